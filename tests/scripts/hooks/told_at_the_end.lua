Hook.register("AfterStateWrite", function(context) print("told", context.data.key) end)
State.save("s", "a", 1)
State.save("s", "b", 1)
print("end")
-- expect: end
-- expect: told	a
-- expect: told	b
