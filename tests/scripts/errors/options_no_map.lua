-- expect error: bad_argument: State.load: the options (argument 3) must be <a table|an object>, got a string
State.load("g", "k", "d")
