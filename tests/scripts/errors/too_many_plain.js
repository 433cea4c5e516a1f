// expect error: bad_argument: State.exists: takes at most 2 arguments, got more
State.exists("g", "k", {})
