// Binding: the functions of the host as functions of the script, and those of the script that the host calls back.
(function (parts) {
  'use strict'
  const {
    stringify, parse, getPrototypeOf, defineProperty, isArray, isFinite, indexOf, codeAt, join, tagOf, apply, list, raw,
    thrown, isInt,
  } = parts.base
  const { encode, encodeWith, revive, Unstorable } = parts.codec
  const { describe } = parts.printing
  const { withHandles, tokenOf } = parts.frozen
  const { freeze } = Object
  const compile = Function
  const AsyncProto = getPrototypeOf(async function () {})

  // Functions of the script that the host may call: tokens, valid while the host function runs that got them.
  const callbacks = list()
  const lasting = list() // kept for good, with tokens below zero
  let callbackError = null

  // A form is a function that makes one argument of its parts: a part is null, or a payload, whose mark sorts before all text.
  const forms = list()
  const open = (part) => {
    if (!(part < '!')) return part
    return codeAt(part, 0) === 9 ? parse(part, revive) : parse(part)
  }
  const prepare = (source) => {
    forms[forms.length] = compile('open', source)(open)
    return forms.length
  }

  const invoke = (token, form, ...texts) => {
    try {
      const { f, index, position } = token < 0 ? lasting[-1 - token] : callbacks[token]
      let result
      if (form > 0) result = f(apply(forms[form - 1], undefined, texts))
      else if (texts.length === 1) result = f(open(texts[0]))
      else {
        const given = list()
        for (let i = 0; i < texts.length; i++) given[i] = open(texts[i])
        result = apply(f, undefined, given)
      }
      if (result === undefined || result === null) return 'null'
      if (typeof result === 'object' && typeof result.then === 'function') {
        throw thrown(raw.mistyped(index, position, 'async function'))
      }
      return encode(result)
    } catch (error) {
      callbackError = { error: error instanceof Unstorable ? thrown(raw.unstorable(-1, stringify(error.path), error.problem)) : error }
      return join(['!', describe(callbackError.error)], '')
    }
  }

  // Binding: one closure per function.
  const kindOf = (v) => (v === null ? 'null' : isArray(v) ? 'array' : typeof v === 'object' && tagOf(v) === '[object Promise]' ? 'promise' : typeof v)
  const fail = (index, position, got) => {
    throw thrown(raw.mistyped(index, position, got))
  }
  const written = (v, index, position, keep = null, hold = null) => {
    if (v === undefined) fail(index, position, 'nothing')
    try {
      return encodeWith(v, keep, hold)
    } catch (error) {
      if (error instanceof Unstorable) throw thrown(raw.unstorable(index, stringify(error.path), error.problem))
      throw error
    }
  }
  const keepIn = (kept, f, index, position) => {
    if (getPrototypeOf(f) === AsyncProto) fail(index, position, 'async function')
    kept[kept.length] = { __proto__: null, f, index, position }
    return kept === lasting ? -kept.length : kept.length - 1
  }
  const definition = (v, index, position, kept) =>
    v === undefined || v === null ? null : written(v, index, position, (f) => keepIn(kept, f, index, position))
  const callback = (v, index, position, kept) => {
    if (v === undefined || v === null) return null
    if (typeof v !== 'function') fail(index, position, kindOf(v))
    return `${keepIn(kept, v, index, position)}`
  }
  const handle = (v, index, position, mayBeText) => {
    if (v === undefined || v === null) return null
    const token = tokenOf(v)
    if (token === undefined && !(mayBeText && typeof v === 'string')) fail(index, position, kindOf(v))
    return token === undefined ? stringify(v) : `${token}`
  }
  const READ = {
    s: (v, index, position) => {
      switch (typeof v) {
        case 'string':
        case 'boolean':
          return stringify(v)
        case 'number':
          if (isInt(v) && (v !== 0 || 1 / v > 0)) return `${v}`
          if (!isFinite(v)) fail(index, position, v !== v ? 'NaN' : 'infinite number')
          return encode(v)
        case 'bigint':
          return written(v, index, position)
        case 'undefined':
          return null
        default:
          if (v !== null) fail(index, position, kindOf(v))
          return null
      }
    },
    v: (v, index, position, isRequired) => (v === undefined && !isRequired ? null : written(v, index, position)),
    h: (v, index, position) => handle(v, index, position, false),
    H: (v, index, position) => handle(v, index, position, true),
    f: (v, index, position) => callback(v, index, position, callbacks),
    F: (v, index, position) => callback(v, index, position, lasting),
    d: (v, index, position) => definition(v, index, position, callbacks),
    D: (v, index, position) => definition(v, index, position, lasting),
  }

  const finished = (reply) => {
    if (typeof reply !== 'string') return reply === undefined ? null : reply
    const first = codeAt(reply, 0)
    if (first === 33) {
      if (reply === '!') {
        const { error } = callbackError
        callbackError = null
        throw error
      }
      throw thrown(reply)
    }
    return first === 9 ? parse(reply, revive) : parse(reply)
  }

  const finisher = (textField, handle) => {
    if (textField) return (reply) => withText(finished(reply), textField)
    return handle ? (reply) => withHandles(finished(reply), handle) : finished
  }

  const bind = (name, call, index, slots, options, required, textField, handle) => {
    const finish = finisher(textField, handle)
    const n = slots.length
    const read = []
    for (let i = 0; i < n; i++) read[i] = READ[slots[i]]
    const hasCallback = indexOf(slots, 'f') >= 0 || indexOf(slots, 'd') >= 0
    const optionsOf = (o, extra) => {
      if (extra || options === '') fail(index, n, 'extra')
      if (o === null) return null
      if (typeof o !== 'object' || isArray(o)) fail(index, n, kindOf(o))
      return written(o, index, n, null, options === 'h' ? tokenOf : null)
    }
    let f
    if (n === 2 && !hasCallback) {
      const [one, two] = read
      f = (a, b, o, ...extra) => {
        if (o === undefined && extra.length === 0) return finish(call(one(a, index, 0, required > 0), two(b, index, 1, required > 1)))
        return finish(call(one(a, index, 0, required > 0), two(b, index, 1, required > 1), optionsOf(o ?? null, extra.length)))
      }
    } else if (n === 3 && !hasCallback) {
      const [one, two, three] = read
      f = (a, b, c, o, ...extra) => {
        if (o === undefined && extra.length === 0) return finish(call(one(a, index, 0, required > 0), two(b, index, 1, required > 1), three(c, index, 2, required > 2)))
        return finish(call(one(a, index, 0, required > 0), two(b, index, 1, required > 1), three(c, index, 2, required > 2), optionsOf(o ?? null, extra.length)))
      }
    } else {
      f = (...given) => {
        const before = callbacks.length
        const crossing = list()
        for (let i = 0; i < n; i++) crossing[i] = read[i](given[i], index, i, i < required)
        if (given.length > n && !(given.length === n + 1 && given[n] === undefined)) crossing[n] = optionsOf(given[n] ?? null, given.length > n + 1)
        if (!hasCallback) return finish(apply(call, undefined, crossing))
        try {
          return finish(apply(call, undefined, crossing))
        } finally {
          callbacks.length = before
        }
      }
    }
    defineProperty(f, 'name', { __proto__: null, value: name })
    return freeze(f)
  }

  // Results whose text is that of one of their fields, and so is that of the items of a list of them.
  const withText = (result, field) => {
    const items = isArray(result) ? result : [result]
    for (let i = 0; i < items.length; i++) {
      const item = items[i]
      if (item === null || typeof item !== 'object' || typeof item[field] !== 'string') continue
      defineProperty(item, 'toString', { __proto__: null, value: () => item[field], enumerable: false, writable: true, configurable: true })
    }
    return result
  }

  parts.binding = { bind, invoke, prepare }
})
