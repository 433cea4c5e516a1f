// What the other files stand on: the engine's own functions, the host's, and the errors that are made from a reply.
// A file of the prelude is a function that adds its part to those before it. Everything that is used later is captured before
// any script runs, so that a script which changes a prototype changes only itself.
(function (parts) {
  'use strict'
  const { stringify, parse } = JSON
  const { keys: ownKeys, getPrototypeOf, setPrototypeOf, defineProperty, create } = Object
  const { Error } = globalThis
  const { isArray } = Array
  const { isInteger, isFinite } = Number
  const uncurry = (method) => Function.prototype.call.bind(method)
  const indexOf = uncurry(String.prototype.indexOf)
  const codeAt = uncurry(String.prototype.charCodeAt)
  const slice = uncurry(String.prototype.slice)
  const exec = uncurry(RegExp.prototype.exec)
  const test = (pattern, text) => exec(pattern, text) !== null // RegExp's own test calls whatever exec a script has put there
  const join = uncurry(Array.prototype.join)
  const tagOf = uncurry(Object.prototype.toString)
  const apply = Reflect.apply
  const SAFE_INT = 2 ** 53
  const NAME = /^[A-Za-z_$][\w$]*$/
  const isInt = (v) => isInteger(v) && v >= -SAFE_INT && v <= SAFE_INT

  // A list that nothing a script puts on Array.prototype or Object.prototype can reach: no setters, no toJSON.
  const list = () => setPrototypeOf([], null)

  // What belongs to the host and is no value, with its name: the globals, and handles.
  const belonging = new WeakMap()
  const nameOf = uncurry(WeakMap.prototype.get)
  const setIn = uncurry(WeakMap.prototype.set)

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

  parts.base = {
    stringify, parse, ownKeys, getPrototypeOf, defineProperty, create, Error, isArray, isInteger, isFinite, indexOf, codeAt,
    slice, test, join, tagOf, apply, uncurry, list, take, raw, rejections, ScriptError, halt, thrown, isInt, NAME,
    belonging, nameOf, setIn,
  }
})
