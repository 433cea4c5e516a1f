-- expect: true	true	true	true
-- expect: true	true
-- expect: nil
-- expect: function
local seen = {}
for name in pairs(_G) do seen[name] = true end
print(seen.State, seen.JSON, seen.sleep, seen.print)
local functions = {}
for name, f in pairs(State) do functions[name] = type(f) == "function" end
print(functions.save, functions.listKeys)
-- What pairs walks is a copy.
local _, copy = pairs(State)
copy.save = nil
print(rawget(State, "save"))
print(type(State.save))
