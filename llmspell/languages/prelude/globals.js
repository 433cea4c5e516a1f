// The frozen globals.
(function (parts) {
  'use strict'
  const { parse, ownKeys, getPrototypeOf, defineProperty, create, take, raw, ScriptError, halt, thrown, isInt } = parts.base
  const { show, printTo, clean, frozen } = parts.printing
  const { bind } = parts.binding
  const { preventExtensions } = Object

  const exit = (status = 0) => {
    const failure = raw.exit(isInt(status) ? `${status}` : '-1', clean(show(status, [], 0)))
    if (failure) throw thrown(failure)
    halt()
  }
  const readonly = (name) => () => {
    throw thrown(raw.readonly(name))
  }
  const spaces = create(null)
  const publish = (target, name, value, owner, enumerable) =>
    defineProperty(target, name, { get: () => value, set: readonly(owner), enumerable, configurable: false })
  const natives = create(null)
  natives.console = { log: printTo(1), info: printTo(1), warn: printTo(2), error: printTo(2), debug: printTo(2) }

  const space = (name) => {
    if (!spaces[name]) {
      const guard = new Proxy(create(null), {
        set: readonly(name), defineProperty: readonly(name), deleteProperty: readonly(name), setPrototypeOf: readonly(name),
        get: (_, key) => (key === Symbol.toStringTag ? name : undefined),
      })
      spaces[name] = create(guard)
      frozen.add(spaces[name])
      publish(globalThis, name, spaces[name], name, false)
    }
    return spaces[name]
  }

  const define = (owner, names, key, index, slots, hasOptions, required, textField) => {
    const call = take(key)
    const list = parse(names)
    const f = bind(owner ? `${owner}.${list[0]}` : list[0], call, index, slots, hasOptions, required, textField)
    for (const name of list) publish(owner ? space(owner) : globalThis, name, f, owner || name, owner !== '')
  }

  const seal = () => {
    for (const owner of ownKeys(natives)) for (const name of ownKeys(natives[owner])) publish(space(owner), name, natives[owner][name], owner, true)
    for (const name of ownKeys(spaces)) {
      preventExtensions(spaces[name])
      preventExtensions(getPrototypeOf(spaces[name]))
    }
    publish(globalThis, 'print', printTo(1), 'print', false)
    publish(globalThis, 'exit', exit, 'exit', false)
    publish(globalThis, 'ScriptError', ScriptError, 'ScriptError', false)
  }

  parts.globals = { define, seal }
})
