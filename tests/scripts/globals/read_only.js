// expect: read_only State is read-only; give your own variable another name
// expect: read_only
// expect: read_only
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: TypeError
// expect: function
const code = (f) => {
  try {
    f()
    return 'done'
  } catch (e) {
    return e.code ?? e.name
  }
}
try {
  State = null
} catch (e) {
  print(e.code, e.message)
}
print(code(() => (State.save = null)))
print(code(() => (State.mine = 1)))
print(code(() => Object.defineProperty(State, 'save', { value: 1 })))
print(code(() => Object.defineProperty(State, 'mine', { value: 1 })))
print(code(() => Object.setPrototypeOf(State, {})))
print(code(() => Object.defineProperty(globalThis, 'State', { value: 1 })))
print(typeof State.save)
