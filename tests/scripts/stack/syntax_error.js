// expect error: script: SyntaxError: unexpected token in expression: '='
// expect at: syntax_error.js:4

x = = 1
