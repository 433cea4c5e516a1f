-- expect error: script: bad bytes: �
error("bad bytes: \255", 0)
