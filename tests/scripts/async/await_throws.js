// expect error: script: TypeError: late
// expect at: await_throws.js:4
await 1
throw new TypeError('late')
