-- expect: 5	2
-- expect: nil	(load):1: unexpected symbol near <eof>
-- expect: nil	true
-- expect: 7	nil
-- expect: 3
print(load("return 5")(), load("return ...")(2))
print(load("x ="))
local f, problem = load("\27Lua")
print(f, problem:find("binary") ~= nil)
print(load("x = 7 return x", "chunk", "t", {})(), x)
local parts = {"return ", "3"}
print(load(function() return table.remove(parts, 1) end)())
