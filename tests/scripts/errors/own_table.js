// expect error: script: <{reason = "none"}|{ reason: 'none' }>
throw { reason: "none" }
