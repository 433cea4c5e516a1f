-- expect: false	handled: boom
-- expect: true	1	2
-- expect: false	nil
-- expect: false	table
print(xpcall(function() error("boom", 0) end, function(e) return "handled: " .. e end))
print(xpcall(function(...) return ... end, print, 1, 2))
print(xpcall(error, function() end, "x"))
local ok, e = xpcall(State.save, function(e) return type(e) end, "g", 5)
print(ok, e)
