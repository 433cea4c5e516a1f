-- expect error: bad_argument: State.save: unknown option 'tll'; the options are ttl, class, if_version
State.save("g", "k", 1, {tll = 5})
