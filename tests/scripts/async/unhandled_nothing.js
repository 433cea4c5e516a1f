// expect error: script: undefined
Promise.reject()
3
