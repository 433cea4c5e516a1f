// expect result: {"a": [1, 2.5, "x", true, null], "b": {}}
const result = { a: [1, 2.5, 'x', true, null], b: {} }
result
