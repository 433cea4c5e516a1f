// expect error: invalid_scope: State.save: the scope is empty
State.save("", "k", 1)
