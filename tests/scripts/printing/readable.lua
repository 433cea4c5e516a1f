-- expect: text 1 2.5 true
-- expect: a
-- expect:
-- expect: -0.0 1e+20 -9223372036854775808
-- expect: {1, 2, {}}
-- expect: {a = 1, b = {c = "x"}}
-- expect: {1, 2, [10] = 5, n = 3, ["two words"] = 4}
-- expect: {text = "say \"hi\"\nthere"}
-- expect: null
-- expect: State
-- expect: {list = <cycle>}
print(table.concat({"text", 1, 2.5, tostring(true)}, " "))
print("a")
print("")
print(-0.0 .. " " .. 1e20 .. " " .. math.mininteger)
print({1, 2, {}})
print({b = {c = "x"}, a = 1})
print({1, 2, [10] = 5, n = 3, ["two words"] = 4})
print({text = 'say "hi"\nthere'})
print(JSON.null)
print(State)
local t = {}
t.list = t
print(t)
