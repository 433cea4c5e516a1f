-- expect error: bad_argument: JSON.array: the argument must be a table without a metatable
JSON.array(State)
