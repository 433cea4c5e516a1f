// Readable printing, and errors as the host sees them.
(function (parts) {
  'use strict'
  const {
    stringify, ownKeys, getPrototypeOf, Error, isArray, indexOf, slice, test, join, tagOf, uncurry, list, raw, ScriptError,
    NAME, belonging, nameOf,
  } = parts.base
  const split = uncurry(String.prototype.split)
  const toWellFormed = uncurry(String.prototype.toWellFormed)

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
    if (nameOf(belonging, v) !== undefined && v.toString) return `${v}`
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
    return (name && name !== 'Object' ? `${name} ` : '') + braces(parts)
  }
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

  parts.printing = { show, printTo, clean, describe }
})
