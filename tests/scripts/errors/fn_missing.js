// expect error: bad_argument: State.transaction: fn (argument 1) is missing; it must be a function
State.transaction()
