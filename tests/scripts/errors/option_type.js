// expect error: bad_argument: State.save: the option 'ttl' must be a number, got a string
State.save("g", "k", 1, { ttl: "x" })
