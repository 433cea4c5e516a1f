// expect error: read_only: State is read-only; give your own variable another name
State.save = 5
