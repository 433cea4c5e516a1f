// expect result: null
const seen = new Map()
seen.set('a', 1)
