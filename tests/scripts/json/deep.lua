-- expect error: bad_value: JSON.parse: the text is nested too deeply
JSON.parse(("["):rep(100000))
