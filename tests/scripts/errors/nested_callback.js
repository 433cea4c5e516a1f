// expect error: script: <{x = 1}|{ x: 1 }>
State.update("g", "k", () => { throw { x: 1 } })
