import { a } from "./module_a.js"; export const b = "b"; export const seen = () => a
