import { b } from "./module_b.js"; export const a = "a"; export const seen = () => b
