-- expect error: bad_argument: State.load: takes at most 3 arguments, the last one with the options default, at
State.load("g", "k", {}, 3)
