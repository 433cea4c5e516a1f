// expect error: access_denied: import: './module_plain.js' is not granted to this script
await import('./module_plain.js')
