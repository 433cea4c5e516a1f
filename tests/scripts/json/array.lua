-- expect: []	{}
-- expect: [1]	{"1":1,"x":2}	{"1":1,"3":3}
-- expect: list	true
-- expect: own	[1,2]
local list = JSON.array()
print(JSON.stringify(list), JSON.stringify({}))
list[1] = 1
local mixed = JSON.array {1}
mixed.x = 2
print(JSON.stringify(list), JSON.stringify(mixed), JSON.stringify({1, nil, 3}))
print(getmetatable(list), JSON.array(list) == list)
-- A list that was loaded may get a metatable of the script's own.
State.save("g", "list", {1, 2})
local loaded = setmetatable(State.load("g", "list"), {__index = {name = "own"}})
print(loaded.name, JSON.stringify(loaded))
