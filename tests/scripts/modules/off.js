// config: runtime.security.allow_file_access = true
// config: engines.javascript.modules = false
// expect error: not_enabled: import: modules are off
await import('./module_plain.js')
