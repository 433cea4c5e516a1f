-- expect error: bad_value: the result cannot be passed on: cannot store a function (at $)
State.update("g", "k", function() return print end)
