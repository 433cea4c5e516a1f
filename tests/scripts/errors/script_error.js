// expect: bad_argument State.save null
// expect: key (argument 2) must be a string, got a number
// expect: State.save: key (argument 2) must be a string, got a number
// expect: true true ScriptError
let e
try {
  State.save('g', 5, 1)
} catch (error) {
  e = error
}
print(e.code, e.call, e.hint)
print(e.message)
print(`${e}`)
print(e instanceof ScriptError, e instanceof Error, e.name)
