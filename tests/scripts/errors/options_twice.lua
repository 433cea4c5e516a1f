-- expect error: bad_argument: State.save: the option 'if_version' is given in both spellings
State.save("g", "k", 1, {if_version = 0, ifVersion = 0})
