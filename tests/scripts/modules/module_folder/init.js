export { value as sibling } from "./sibling.js"
