-- expect error: conflict: State.save: 'k' in scope 'g' exists already, at version 1
State.save("g", "k", 1) State.save("g", "k", 2, {if_version = 0})
