// config: runtime.security.allow_file_access = true
// expect error: script: at load
// expect at: module_fails.js:2
await import('./module_fails.js')
