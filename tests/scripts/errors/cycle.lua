-- expect error: bad_value: State.save: cannot store a cycle (at $.t)
local t = {} t.t = t State.save("g", "k", t)
