// The codec: values as JSON text, with tags where JSON alone would lose something.
(function (parts) {
  'use strict'
  const {
    stringify, parse, ownKeys, getPrototypeOf, defineProperty, create, isArray, isInteger, isFinite, indexOf, codeAt, slice,
    test, join, tagOf, uncurry, list, isInt, NAME, belonging,
    nameOf,
  } = parts.base
  const { rawJSON } = JSON
  const { isSafeInteger } = Number
  const isWellFormed = uncurry(String.prototype.isWellFormed)
  const toBase64 = uncurry(Uint8Array.prototype.toBase64)
  const fromBase64 = Uint8Array.fromBase64.bind(Uint8Array)
  const ObjectProto = Object.prototype
  const ArrayProto = Array.prototype
  const MAX_DEPTH = 128
  const BIG_SAFE_INT = 2n ** 53n
  const INT64_MAX = 2n ** 63n - 1n
  const bigInt = BigInt
  const TAG = /^\$+(bytes|map)$/
  const INTEGER = /^-?\d+$/
  const REFUSED = new Set([
    'Map', 'Set', 'Date', 'RegExp', 'Promise', 'WeakMap', 'WeakSet', 'WeakRef', 'ArrayBuffer', 'SharedArrayBuffer', 'DataView',
    'Int8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array', 'BigInt64Array', 'BigUint64Array',
    'Float16Array', 'Float32Array', 'Float64Array', 'Generator', 'AsyncGenerator', 'Module', 'Number', 'String', 'Boolean',
    'BigInt', 'Symbol',
  ])
  const hasRefused = uncurry(Set.prototype.has)

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

  // What gives the token of a function, or of a handle, that stands in the value being encoded, where it may.
  let keeper = null
  let holder = null
  const put = (tree, name, value) => defineProperty(tree, name, { __proto__: null, value, enumerable: true, writable: true, configurable: true })
  const tag = (name, value) => put(create(null), name, value)
  // A map with a number as its key, which no object of a script becomes: it stands for what has this token.
  const standIn = (token, marks) => {
    const pair = list()
    pair[0] = 0
    pair[1] = token
    const pairs = list()
    pairs[0] = pair
    marks.tagged = true
    return tag('$map', pairs)
  }
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
        if (keeper && typeof v === 'function') return standIn(keeper(v), marks)
        return refuse(path, `cannot store a ${typeof v}`)
    }
    if (v === null) return null
    const owner = nameOf(belonging, v)
    if (owner !== undefined) {
      const token = holder ? holder(v) : undefined
      return token === undefined ? refuse(path, `cannot store ${owner}`) : standIn(token, marks)
    }
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

  const encodeWith = (v, keep, hold) => {
    if (keep === null && hold === null && keeper === null && holder === null) return encode(v)
    const outer = [keeper, holder] // a toJSON may come here while a definition is being encoded
    keeper = keep
    holder = hold
    try {
      return encode(v)
    } finally {
      keeper = outer[0]
      holder = outer[1]
    }
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

  parts.codec = { encode, encodeWith, decode, revive, Unstorable }
})
