-- expect error: bad_argument: State.save: key (argument 2) must be a string, got a number
local _, e = pcall(State.save, "g", 5, 1) error(e)
