// expect error: script: TypeError: not a function
// expect at: missing_method.js:3
State.lod('g', 'k')
