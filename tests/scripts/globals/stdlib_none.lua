-- config: engines.lua.stdlib = "none"
-- expect: nil	nil	nil
-- expect: function	table	table	function	function
print(os, io, debug)
print(type(coroutine.wrap), type(utf8), type(math), type(print), type(sleep))
