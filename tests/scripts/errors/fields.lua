-- expect: bad_argument	key (argument 2) must be a string, got a number	State.save	nil
-- expect: State.save: key (argument 2) must be a string, got a number
-- expect: it failed: State.save: key (argument 2) must be a string, got a number!
-- expect: table	error
-- expect: false
local ok, e = pcall(State.save, "g", 5, 1)
print(e.code, e.message, e.call, e.hint)
print(tostring(e))
print("it failed: " .. e .. "!")
print(type(e), getmetatable(e))
print(pcall(setmetatable, e, {}) and true or false)
