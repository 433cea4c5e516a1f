-- expect: read_only	State is read-only; give your own variable another name
-- expect: read_only
-- expect: read_only
-- expect: read_only
-- expect: read_only
-- expect: read_only
-- expect: false	false	State
-- expect: function
local function code(f, ...)
  local ok, e = pcall(f, ...)
  return ok and "done" or type(e) == "table" and e.code or e
end
local _, e = pcall(function() State = nil end)
print(e.code, e.message)
print(code(function() State.save = nil end))
print(code(rawset, State, "save", 1))
print(code(rawset, _G, "State", 1))
print(code(rawset, JSON.null, "x", 1))
print(code(table.insert, State, 1))
print(pcall(setmetatable, State, {}) , pcall(setmetatable, _G, {}), getmetatable(State))
print(type(State.save))
