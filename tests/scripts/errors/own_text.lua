-- expect error: script: just text
error("just text", 0)
