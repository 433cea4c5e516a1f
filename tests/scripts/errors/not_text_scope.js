// expect error: bad_argument: State.save: scope (argument 1) <is not valid UTF-8|has a lone surrogate>
State.save("\ud800", "k", 1)
