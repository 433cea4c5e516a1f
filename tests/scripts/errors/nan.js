// expect error: bad_value: State.save: cannot store NaN (at $)
State.save("g", "k", 0/0)
