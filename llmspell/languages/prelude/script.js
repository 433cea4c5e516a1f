// Running a script, and what becomes of it.
(function (parts) {
  'use strict'
  const { stringify, parse, ownKeys, defineProperty, slice, join, uncurry, raw, rejections, thrown } = parts.base
  const { encode, Unstorable } = parts.codec
  const { describe } = parts.printing
  const { getOwnPropertyNames, hasOwn } = Object
  const then = uncurry(Promise.prototype.then)

  const begin = (list) => {
    defineProperty(globalThis, 'args', { value: parse(list), writable: true, enumerable: true, configurable: true })
    for (const name of getOwnPropertyNames(rejections)) delete rejections[name]
    outcome = ''
  }

  // What became of the script: '' while it runs, then '+' and the text of its result, or '-' and a description.
  let outcome = ''
  // The last expression is a result only when it can be one: `seen.set(…)` may end a script, though no value comes of a Map.
  const settle = (promise, isImplied) =>
    then(
      promise,
      (result) => {
        try {
          const isAbsent = result === undefined || typeof result === 'function' || typeof result === 'symbol'
          outcome = join(['+', encode(isAbsent ? null : result)], '')
        } catch (error) {
          if (isImplied && typeof result === 'object' && error instanceof Unstorable && error.path === '$') {
            outcome = join(['+', encode(null)], '')
            return
          }
          const reason = error instanceof Unstorable ? thrown(raw.unstorable(-1, stringify(error.path), error.problem)) : error
          outcome = join(['-', describe(reason)], '')
        }
      },
      (error) => {
        outcome = join(['-', describe(error)], '')
      },
    )
  const watch = () => {
    if (hasOwn(rejections, 'thrown')) outcome = join(['-', describe(rejections.thrown)], '')
    else settle((async () => await (await rejections.completion).value)(), true)
  }
  const watchModule = (path) => {
    settle((async () => (await import(path)).default)())
  }
  const unhandled = () => {
    const names = ownKeys(rejections)
    for (let i = 0; i < names.length; i++) {
      if (slice(names[i], 0, 6) === 'reason') return describe(rejections[names[i]])
    }
    return ''
  }
  const result = () => outcome

  parts.script = { begin, watch, watchModule, result, unhandled }
})
