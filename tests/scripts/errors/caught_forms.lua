-- An error that a script has changed, or made to look like one of ours, is still reported.
-- expect error: bad_argument: State.save: an error without a message
local _, e = pcall(State.save, "g", 5, 1)
e.message, e.hint = nil, {}
error(e)
