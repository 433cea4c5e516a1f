-- expect error: bad_argument: State.update: fn (argument 3) must be a function, got a number
State.update("g", "k", 5)
