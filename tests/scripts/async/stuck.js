// expect error: script: the script waits for a promise that nothing can settle any more
await new Promise(() => {})
