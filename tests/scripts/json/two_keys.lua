-- expect error: bad_value: JSON.stringify: a table has both the integer key 1 and the string key '1', which are one in JSON
JSON.stringify({[1] = "a", ["1"] = "b"})
