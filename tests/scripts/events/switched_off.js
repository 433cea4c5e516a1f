// Switched off, the global is absent.
// config: runtime.events.enabled = false
print(typeof Event === 'undefined')
// expect: true
