// Frozen objects: the names of the host with their members, and handles, which stand for what the host keeps.
(function (parts) {
  'use strict'
  const { getPrototypeOf, defineProperty, create, ownKeys, uncurry, list, raw, thrown, belonging, setIn } = parts.base
  const { freeze, preventExtensions } = Object
  const tokenOf = uncurry(WeakMap.prototype.get)

  const readonly = (name) => () => {
    throw thrown(raw.readonly(name))
  }
  const publish = (target, name, value, owner, enumerable) =>
    defineProperty(target, name, { get: () => value, set: readonly(owner), enumerable, configurable: false })
  const guarded = (name) => {
    const guard = new Proxy(create(null), {
      set: readonly(name), defineProperty: readonly(name), deleteProperty: readonly(name), setPrototypeOf: readonly(name),
      get: (_, key) => (key === Symbol.toStringTag ? name : undefined),
    })
    const made = create(guard)
    setIn(belonging, made, name)
    return made
  }
  const close = (made) => {
    for (const name of ownKeys(made)) {
      preventExtensions(made[name])
      preventExtensions(getPrototypeOf(made[name]))
    }
  }

  // Handles. Only what is made here has a token.
  const tokens = new WeakMap()
  const handles = list() // by token
  const texts = list()
  const classes = create(null) // name -> prototype
  const classOf = (name) => {
    if (!classes[name]) {
      classes[name] = guarded(name)
      const toString = function () {
        return texts[tokenOf(tokens, this)] ?? name
      }
      publish(classes[name], 'toString', freeze(toString), name, false)
    }
    return classes[name]
  }
  const handleOf = (name, token, text) => {
    if (!handles[token]) {
      const handle = preventExtensions(create(classOf(name)))
      setIn(tokens, handle, token)
      setIn(belonging, handle, name)
      handles[token] = handle
      texts[token] = text
    }
    return handles[token]
  }
  const withHandles = (result, name) => {
    if (result === null) return null
    if (typeof result[0] === 'number') return handleOf(name, result[0], result[1])
    for (let i = 0; i < result.length; i++) result[i] = handleOf(name, result[i][0], result[i][1])
    return result
  }

  parts.frozen = { publish, guarded, close, classOf, classes, withHandles, tokenOf: (v) => tokenOf(tokens, v) }
})
