-- expect error: script: <{x = 1}|{ x: 1 }>
State.update("g", "k", function() error({x = 1}) end)
