// expect error: bad_argument: State.save: key (argument 2) must be a string, got <a table|an object>
State.save("g", {}, 1)
