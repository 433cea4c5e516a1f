// expect error: script: lost
// expect at: unhandled.js:4

Promise.reject(new Error('lost'))
3
