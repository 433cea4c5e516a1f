// expect error: bad_argument: State.save: key (argument 2) must be a string, got a number
try { State.save("g", 5, 1) } catch (e) { throw e }
