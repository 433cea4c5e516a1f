-- expect error: script: <{reason = "none"}|{ reason: 'none' }>
error({reason = "none"})
