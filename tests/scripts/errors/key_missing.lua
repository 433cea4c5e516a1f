-- expect error: bad_argument: State.load: key (argument 2) is missing; it must be a string
State.load("g")
