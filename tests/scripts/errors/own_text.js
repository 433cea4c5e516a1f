// expect error: script: just text
throw "just text"
