// expect error: script: deep
// expect at: line.js:5
function inner() {

  throw new Error('deep')
}
const outer = () => inner()
outer()
