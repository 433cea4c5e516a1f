-- expect: true
-- expect: true
-- expect: {"k"}	{"k"}
-- expect: conflict
print(State.list_keys == State.listKeys)
print(State.list_scopes == State.listScopes)
State.save("g", "k", 1)
print(State.list_keys("g"), State.listKeys("g"))
local _, e = pcall(State.save, "g", "k", 2, {ifVersion = 0})
print(e.code)
