// expect error: invalid_key: State.save: the key is empty
State.save("g", "", 1)
