-- expect: 1	3
-- expect: {"b"}
-- expect: fallback	{1}	nil
-- expect: {"a", "b", "c"}	{"c", "b"}
for i, key in ipairs {"a", "b", "c"} do State.save("s", key, i, {}) end
print(State.load("s", "a", nil), State.load("s", "c", {default = 5}))
print(State.list_keys("s", {after = "a", limit = 1}))
print(State.load("s", "x", {default = "fallback"}), State.load("s", "x", {default = {1}}), State.load("s", "x", {default = JSON.null}))
print(State.list_keys("s", {limit = nil}), State.list_keys("s", {reverse = true, limit = 2}))
