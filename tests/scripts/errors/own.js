// expect error: script: it went wrong
throw new Error("it went wrong")
