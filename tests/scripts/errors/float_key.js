// expect error: bad_value: State.save: cannot store <a float key (at $[1.5])|a Map (at $)>
State.save("g", "k", new Map())
