-- expect error: bad_argument: State.save: key (argument 2) must be a string, got a number
State.save("g", 5, 1)
