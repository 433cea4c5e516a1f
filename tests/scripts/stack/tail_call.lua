-- expect error: bad_argument: State.load: key (argument 2) must be a string, got a number
-- expect at: tail_call.lua:4

return State.load("g", 5)
