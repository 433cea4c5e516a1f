-- expect result: {"a": [1, 2.5, "x", true, null], "b": {}}
return {a = {1, 2.5, "x", true, JSON.null}, b = {}}
