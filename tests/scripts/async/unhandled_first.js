// expect error: script: first
Promise.reject(new Error('first'))
Promise.reject(new Error('second'))
3
