-- Switched off, the global is absent.
-- config: runtime.events.enabled = false
print(Event == nil)
-- expect: true
