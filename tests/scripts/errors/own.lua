-- expect error: script: it went wrong
error("it went wrong")
