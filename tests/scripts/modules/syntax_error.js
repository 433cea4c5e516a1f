// config: runtime.security.allow_file_access = true
// expect error: script: SyntaxError: unexpected token in expression: '='
// expect at: module_syntax.js:3
import './module_syntax.js'
