-- expect error: bad_value: the result cannot be passed on: cannot store a function (at $.a)
return {a = function() end}
