// expect error: bad_value: State.save: cannot store a cycle (at $.t)
const t = {}; t.t = t; State.save("g", "k", t)
