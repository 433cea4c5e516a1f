// expect error: script: TypeError: cannot read property 'x' of null
// expect at: inside_callback.js:4
State.update('g', 'k', (v) =>
  v.x)
