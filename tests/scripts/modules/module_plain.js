globalThis.plainLoads = (globalThis.plainLoads ?? 0) + 1
export const name = "plain"
export default 41
