-- expect error: bad_value: State.save: cannot store an infinite number (at $.a)
State.save("g", "k", {a = 1/0})
