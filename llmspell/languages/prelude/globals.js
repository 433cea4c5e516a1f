// The frozen globals.
(function (parts) {
  'use strict'
  const { parse, ownKeys, create, take, raw, ScriptError, halt, thrown, isInt } = parts.base
  const { show, printTo, clean } = parts.printing
  const { publish, guarded, close, classOf, classes } = parts.frozen
  const { bind } = parts.binding
  const { freeze } = Object

  const exit = (status = 0) => {
    const failure = raw.exit(isInt(status) ? `${status}` : '-1', clean(show(status, [], 0)))
    if (failure) throw thrown(failure)
    halt()
  }
  const spaces = create(null)
  const natives = create(null)
  natives.console = { log: printTo(1), info: printTo(1), warn: printTo(2), error: printTo(2), debug: printTo(2) }

  const space = (name) => {
    if (!spaces[name]) {
      const end = name.lastIndexOf('.')
      const above = name.slice(0, end < 0 ? 0 : end)
      spaces[name] = guarded(name)
      publish(above ? space(above) : globalThis, name.slice(end + 1), spaces[name], above || name, above !== '')
    }
    return spaces[name]
  }

  // One function of the host: a member of a global, a method of a class of handles, or a constant, which is called here and now.
  const define = (owner, names, kind, key, index, slots, options, required, textField, handle) => {
    const call = take(key)
    const list = parse(names)
    const f = bind(owner ? `${owner}.${list[0]}` : list[0], call, index, slots, options, required, textField, handle)
    const method = freeze(function (...given) {
      return f(this, ...given)
    })
    const member = kind === 'constant' ? f() : kind === 'method' ? method : f
    const target = kind === 'method' ? classOf(owner) : owner ? space(owner) : globalThis
    for (const name of list) publish(target, name, member, owner || name, owner !== '')
  }

  const seal = () => {
    for (const owner of ownKeys(natives)) for (const name of ownKeys(natives[owner])) publish(space(owner), name, natives[owner][name], owner, true)
    close(spaces)
    close(classes)
    publish(globalThis, 'print', printTo(1), 'print', false)
    publish(globalThis, 'exit', exit, 'exit', false)
    publish(globalThis, 'ScriptError', ScriptError, 'ScriptError', false)
  }

  parts.globals = { define, seal }
})
