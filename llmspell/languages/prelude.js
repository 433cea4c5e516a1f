// The JavaScript side of the host: the codec, the binding of host functions, readable printing, native errors, frozen
// globals. Evaluates to a function that takes the limits and returns what the host calls. Everything that is used later is
// captured here, so that a script which changes a prototype changes only itself.
(function () {
  'use strict'
  const { stringify, parse, rawJSON } = JSON
  const { keys: ownKeys, getPrototypeOf, setPrototypeOf, defineProperty, create, freeze, getOwnPropertyNames, preventExtensions } = Object
  const { Error } = globalThis
  const { isArray } = Array
  const { isInteger, isFinite, isSafeInteger } = Number
  const uncurry = (method) => Function.prototype.call.bind(method)
  const indexOf = uncurry(String.prototype.indexOf)
  const codeAt = uncurry(String.prototype.charCodeAt)
  const slice = uncurry(String.prototype.slice)
  const split = uncurry(String.prototype.split)
  const isWellFormed = uncurry(String.prototype.isWellFormed)
  const toWellFormed = uncurry(String.prototype.toWellFormed)
  const exec = uncurry(RegExp.prototype.exec)
  const test = (pattern, text) => exec(pattern, text) !== null // RegExp's own test calls whatever exec a script has put there
  const join = uncurry(Array.prototype.join)
  const then = uncurry(Promise.prototype.then)
  const toBase64 = uncurry(Uint8Array.prototype.toBase64)
  const fromBase64 = Uint8Array.fromBase64.bind(Uint8Array)
  const tagOf = uncurry(Object.prototype.toString)
  const hasOwn = Object.hasOwn
  const apply = Reflect.apply
  const ObjectProto = Object.prototype
  const ArrayProto = Array.prototype
  const AsyncProto = getPrototypeOf(async function () {})
  const MAX_DEPTH = 128
  const SAFE_INT = 2 ** 53
  const BIG_SAFE_INT = 2n ** 53n
  const INT64_MAX = 2n ** 63n - 1n
  const bigInt = BigInt
  const TAG = /^\$+(bytes|map)$/
  const INTEGER = /^-?\d+$/
  const NAME = /^[A-Za-z_$][\w$]*$/
  const REFUSED = new Set([
    'Map', 'Set', 'Date', 'RegExp', 'Promise', 'WeakMap', 'WeakSet', 'WeakRef', 'ArrayBuffer', 'SharedArrayBuffer', 'DataView',
    'Int8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'BigInt64Array', 'BigUint64Array',
    'Float16Array', 'Float32Array', 'Float64Array', 'Generator', 'AsyncGenerator', 'Module', 'Number', 'String', 'Boolean',
    'BigInt', 'Symbol',
  ])
  const hasRefused = uncurry(Set.prototype.has)
  const isInt = (v) => isInteger(v) && v >= -SAFE_INT && v <= SAFE_INT

  // A list that nothing a script puts on Array.prototype or Object.prototype can reach: no setters, no toJSON.
  const list = () => setPrototypeOf([], null)

  const take = (name) => {
    const value = globalThis[name]
    delete globalThis[name]
    return value
  }
  const raw = {}
  for (const name of ['write', 'mistyped', 'unstorable', 'readonly', 'exit', 'is_stopping']) raw[name] = take(`__host_${name}`)
  const rejections = take('__rejections')

  // The sites of a stack would give scripts the functions of this file.
  Error.prepareStackTrace = (_, sites) => sites
  delete getPrototypeOf(new Error().stack[0]).getFunction
  Error.prepareStackTrace = undefined

  class ScriptError extends Error {
    constructor(fields) {
      super(fields.message)
      this.name = 'ScriptError'
      this.code = fields.code
      this.hint = fields.hint ?? null
      this.call = fields.call ?? null
    }
    toString() {
      return this.call ? `${this.call}: ${this.message}` : this.message
    }
  }
  
  // A stop that is under way takes effect within some thousand operations: nothing of the script runs until then.
  const halt = () => {
    for (;;);
  }
  const thrown = (reply) => {
    if (raw.is_stopping()) halt()
    return new ScriptError(setPrototypeOf(parse(slice(reply, 1)), null))
  }

  // Encoding. Most values are plain: JSON.stringify writes them exactly. The others go through `convert`, which tags them.
  const special = (v, depth) => {
    switch (typeof v) {
      case 'string':
      case 'boolean':
        return false
      case 'number':
        return isInt(v) ? v === 0 && 1 / v < 0 : isInteger(v) || !isFinite(v)
      case 'object': {
        if (v === null) return false
        if (depth === MAX_DEPTH || v.toJSON !== undefined) return true
        const proto = getPrototypeOf(v)
        if (proto === ArrayProto) {
          for (let i = 0, n = v.length; i < n; i++) if (special(v[i], depth + 1)) return true
          return false
        }
        if (proto !== ObjectProto && proto !== null) return true
        for (const key in v) if (key[0] === '$' || special(v[key], depth + 1)) return true
        return false
      }
      default:
        return true
    }
  }

  class Unstorable {
    constructor(path, problem) {
      this.path = path
      this.problem = problem
    }
  }
  const refuse = (path, problem) => {
    throw new Unstorable(path.length > 60 ? slice(path, 0, 40) + '...' : path, problem)
  }
  const step = (path, key) => (typeof key === 'number' ? `${path}[${key}]` : test(NAME, key) ? `${path}.${key}` : `${path}[${stringify(key)}]`)

  let keeper = null // what keeps a function that stands in the value being encoded, where it may
  const put = (tree, name, value) => defineProperty(tree, name, { __proto__: null, value, enumerable: true, writable: true, configurable: true })
  const tag = (name, value) => put(create(null), name, value)
  const convert = (v, path, above, marks) => {
    switch (typeof v) {
      case 'boolean':
        return v
      case 'string':
        if (!isWellFormed(v)) refuse(path, 'cannot store text with a lone surrogate')
        return v
      case 'number':
        if (!isFinite(v)) refuse(path, v !== v ? 'cannot store NaN' : 'cannot store an infinite number')
        if (v === 0 && 1 / v < 0) return rawJSON('-0.0')
        if (isInteger(v) && !isInt(v)) {
          const text = `${v}`
          return rawJSON(indexOf(text, 'e') < 0 ? text + '.0' : text)
        }
        return v
      case 'bigint':
        if (v > INT64_MAX || v < -INT64_MAX - 1n) refuse(path, 'cannot store a BigInt beyond 64 bits')
        marks.tagged = true
        return rawJSON(`${v}`)
      case 'object':
        break
      case 'undefined':
        return refuse(path, 'cannot store undefined')
      default:
        if (keeper && typeof v === 'function') {
          // A map with a number as its key, which no object of a script becomes: it stands for the function.
          const pair = list()
          pair[0] = 0
          pair[1] = keeper(v)
          const pairs = list()
          pairs[0] = pair
          marks.tagged = true
          return tag('$map', pairs)
        }
        return refuse(path, `cannot store a ${typeof v}`)
    }
    if (v === null) return null
    const kind = slice(tagOf(v), 8, -1)
    if (kind === 'Uint8Array') {
      marks.tagged = true
      return tag('$bytes', toBase64(v))
    }
    if (hasRefused(REFUSED, kind)) refuse(path, `cannot store a ${kind}`)
    if (above.length === MAX_DEPTH) refuse(path, 'nested deeper than 128 levels')
    for (let i = 0; i < above.length; i++) if (above[i] === v) refuse(path, 'cannot store a cycle')
    above[above.length] = v
    let tree
    if (typeof v.toJSON === 'function') tree = convert(v.toJSON(''), path, above, marks)
    else if (isArray(v)) {
      tree = list()
      for (let i = 0; i < v.length; i++) {
        if (!(i in v)) refuse(step(path, i), 'cannot store a hole in an array')
        tree[i] = convert(v[i], step(path, i), above, marks)
      }
    } else {
      tree = create(null)
      const names = ownKeys(v)
      for (let i = 0; i < names.length; i++) {
        const name = names[i]
        const item = v[name]
        if (item === undefined) continue
        if (!isWellFormed(name)) refuse(path, 'cannot store a key with a lone surrogate')
        const written = names.length === 1 && test(TAG, name) ? ((marks.tagged = true), '$' + name) : name
        put(tree, written, convert(item, step(path, name), above, marks))
      }
      const left = ownKeys(tree)
      if (left.length === 1 && names.length > 1 && test(TAG, left[0])) {
        marks.tagged = true
        tree = tag('$' + left[0], tree[left[0]])
      }
    }
    above.length--
    return tree
  }

  // The text of a value; a leading tab says that it holds tags. An Unstorable is thrown for what is no value.
  const encode = (v) => {
    if (v !== undefined && !special(v, 0)) {
      const text = stringify(v)
      if (indexOf(text, '\\ud') < 0) return text
    }
    const marks = { tagged: false }
    const text = stringify(convert(v, '$', list(), marks))
    return marks.tagged ? join(['\t', text], '') : text
  }

  const revive = (_, v, context) => {
    if (typeof v === 'number') {
      if (isSafeInteger(v) || !test(INTEGER, context.source)) return v
      const exact = bigInt(context.source)
      return exact === BIG_SAFE_INT || exact === -BIG_SAFE_INT ? v : exact
    }
    if (v === null || typeof v !== 'object' || isArray(v)) return v
    const names = ownKeys(v)
    if (names.length !== 1 || !test(TAG, names[0])) return v
    if (names[0] === '$bytes') return fromBase64(v.$bytes)
    return put({}, slice(names[0], 1), v[names[0]])
  }
  const decode = (text) => (codeAt(text, 0) === 9 ? parse(text, revive) : parse(text))

  // Functions of the script that the host may call: tokens, valid while the host function runs that got them.
  const callbacks = list()
  const lasting = list() // kept for good, with tokens below zero
  let callbackError = null
  const invoke = (token, ...texts) => {
    try {
      const given = list()
      for (let i = 0; i < texts.length; i++) given[i] = decode(texts[i])
      const { f, index, position } = token < 0 ? lasting[-1 - token] : callbacks[token]
      const result = apply(f, undefined, given)
      if (result !== null && typeof result === 'object' && typeof result.then === 'function') {
        throw thrown(raw.mistyped(index, position, 'async function'))
      }
      return encode(result === undefined ? null : result)
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
  const written = (v, index, position, keep = null) => {
    if (v === undefined) fail(index, position, 'nothing')
    const outer = keeper // a toJSON may come here while a definition is being encoded
    keeper = keep
    try {
      return encode(v)
    } catch (error) {
      if (error instanceof Unstorable) throw thrown(raw.unstorable(index, stringify(error.path), error.problem))
      throw error
    } finally {
      keeper = outer
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
  const READ = {
    s: (v, index, position) => {
      switch (typeof v) {
        case 'string':
        case 'boolean':
          return stringify(v)
        case 'number':
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

  const bind = (name, call, index, slots, hasOptions, required, textField) => {
    const finish = textField ? (reply) => withText(finished(reply), textField) : finished
    const n = slots.length
    const read = []
    for (let i = 0; i < n; i++) read[i] = READ[slots[i]]
    const hasCallback = indexOf(slots, 'f') >= 0 || indexOf(slots, 'd') >= 0
    const optionsOf = (o, extra) => {
      if (extra || !hasOptions) fail(index, n, 'extra')
      if (o === null) return null
      if (typeof o !== 'object' || isArray(o)) fail(index, n, kindOf(o))
      return written(o, index, n)
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

  // Readable printing.
  const quote = (s) => (indexOf(s, "'") < 0 ? `'${slice(stringify(s), 1, -1).replaceAll('\\"', '"')}'` : stringify(s))
  const show = (v, above, depth) => {
    switch (typeof v) {
      case 'string':
        return depth ? quote(v) : v
      case 'bigint':
        return `${v}n`
      case 'function':
        return `[function ${v.name || '(anonymous)'}]`
      case 'object':
        break
      default:
        return v === 0 && 1 / v < 0 ? '-0' : String(v)
    }
    if (v === null) return 'null'
    if (v instanceof ScriptError) return v.toString()
    if (v instanceof Error) return v.stack ? `${v.name}: ${v.message}\n${scriptStack(v)}`.trimEnd() : `${v.name}: ${v.message}`
    if (above.includes(v)) return '[circular]'
    const kind = slice(tagOf(v), 8, -1)
    if (kind === 'Date') return isNaN(v) ? 'Invalid Date' : v.toISOString()
    if (kind === 'RegExp') return String(v)
    if (depth > 8) return isArray(v) ? '[...]' : '{ ... }'
    const inner = [...above, v]
    const each = (items) => items.map((item) => show(item, inner, depth + 1))
    const braces = (parts) => (parts.length ? `{ ${parts.join(', ')} }` : '{}')
    if (isArray(v)) return `[${each(Array.from(v)).join(', ')}]`
    if (kind === 'Map') return `Map ${braces([...v].map(([key, item]) => `${show(key, inner, depth + 1)} => ${show(item, inner, depth + 1)}`))}`
    if (kind === 'Set') return `Set ${braces(each([...v]))}`
    if (kind === 'Promise') return '[promise]'
    if (ArrayBuffer.isView(v) && kind !== 'DataView') return `${kind} [${each([...v.subarray(0, 100)]).join(', ')}${v.length > 100 ? ', ...' : ''}]`
    const name = getPrototypeOf(v)?.constructor?.name
    const parts = ownKeys(v).map((key) => `${test(NAME, key) ? key : quote(key)}: ${show(v[key], inner, depth + 1)}`)
    return (name && name !== 'Object' && !frozen.has(v) ? `${name} ` : '') + braces(parts)
  }
  const frozen = new Set()
  const line = (values) => {
    const parts = list()
    for (let i = 0; i < values.length; i++) parts[i] = show(values[i], [], 0)
    return stringify(join(parts, ' ') + '\n')
  }
  const printTo = (stream) => (...values) => {
    raw.write(stream, line(values))
  }

  // Errors as the host sees them.
  const scriptStack = (error) => {
    const entries = split(`${error.stack ?? ''}`, '\n')
    const kept = list()
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]
      if (entry && indexOf(entry, '<input>') < 0 && indexOf(entry, '(native)') < 0) kept[kept.length] = entry
    }
    return join(kept, '\n')
  }
  const clean = (text) => toWellFormed(`${text}`)
  const describe = (error) => {
    const report = { __proto__: null, message: '', stack: '' }
    try {
      if (error instanceof Error) {
        report.name = clean(error.name)
        report.message = clean(error.message)
        report.stack = clean(scriptStack(error))
        if (error instanceof ScriptError) {
          if (error.code) report.code = clean(error.code)
          if (error.hint) report.hint = clean(error.hint)
          if (error.call) report.call = clean(error.call)
        }
      } else report.message = clean(show(error, [], 0))
    } catch {
      report.message = 'an error that cannot be shown'
    }
    return stringify(report)
  }

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

  const begin = (list) => {
    defineProperty(globalThis, 'args', { value: parse(list), writable: true, enumerable: true, configurable: true })
    for (const name of getOwnPropertyNames(rejections)) delete rejections[name]
    outcome = ''
  }

  // What became of the script: '' while it runs, then '+' and the text of its result, or '-' and a description.
  let outcome = ''
  const settle = (promise) =>
    then(
      promise,
      (result) => {
        try {
          const isAbsent = result === undefined || typeof result === 'function' || typeof result === 'symbol'
          outcome = join(['+', encode(isAbsent ? null : result)], '')
        } catch (error) {
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
    else settle((async () => await (await rejections.completion).value)())
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
  return { define, seal, invoke, begin, watch, watchModule, result, unhandled }
})()
