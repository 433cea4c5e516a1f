-- expect error: bad_value: State.increment: the value of 'k' in scope 'g' is not a number
State.save("g", "k", "x") State.increment("g", "k")
