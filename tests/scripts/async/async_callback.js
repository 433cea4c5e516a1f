// expect: bad_argument
// expect: State.update: fn (argument 3) must be a function, got an async function
// expect: State.update: fn (argument 3) must be a function, got an async function
// expect: false
for (const fn of [async () => 1, () => Promise.resolve(1)]) {
  try {
    State.update('g', 'k', fn)
  } catch (e) {
    if (fn.constructor.name === 'AsyncFunction') print(e.code)
    print(`${e}`)
  }
}
print(State.exists('g', 'k'))
