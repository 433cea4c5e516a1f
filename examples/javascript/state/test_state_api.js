// The State API: which functions are there, and that each of them does its one thing.
//
// A function that the config does not switch on is absent, so a script can ask for it: `if (State.migrate) { … }`.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/state/test_state_api.js

const ALWAYS = [
  'save', 'load', 'entry', 'delete', 'exists', 'list_keys', 'list', 'list_scopes', 'count', 'clear', 'increment',
  'update', 'transaction', 'history', 'changes', 'flush', 'metrics',
]
const SWITCHED_ON_ELSEWHERE = ['migrate', 'register_schema', 'create_backup', 'restore_backup']

const camelCase = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase())

function assert(holds, message = 'an assertion failed') {
  if (!holds) throw new Error(message)
}

function problemOf(action) {
  try {
    action()
  } catch (problem) {
    return problem
  }
}

console.log('With state alone:')
for (const name of ALWAYS) {
  assert(typeof State[name] === 'function', `${name} is missing`)
  assert(typeof State[camelCase(name)] === 'function', `${camelCase(name)} is missing`)
  console.log(`  State.${name}`)
}

console.log('Left out by this config:')
for (const name of SWITCHED_ON_ELSEWHERE) {
  assert(State[name] === undefined, `${name} should be undefined`)
  console.log(`  State.${name}`)
}

const SCOPE = 'state-api'
State.clear(SCOPE)

State.save(SCOPE, 'answer', 42)
assert(State.load(SCOPE, 'answer') === 42)
assert(State.load(SCOPE, 'question') === null)
assert(State.load(SCOPE, 'question', { default: '?' }) === '?')
assert(State.exists(SCOPE, 'answer') && !State.exists(SCOPE, 'question'))

const entry = State.entry(SCOPE, 'answer')
assert(entry.value === 42 && entry.class === 'standard' && entry.version > 0)

assert(State.increment(SCOPE, 'answer', -2) === 40)
assert(State.update(SCOPE, 'answer', (n) => n + 2) === 42)
assert(State.transaction(() => State.load(SCOPE, 'answer')) === 42)
assert(State.history(SCOPE, 'answer', { limit: 3 }).length === 3)
assert(State.changes({ since: entry.version, scope: SCOPE }).changes.length === 2)

assert(State.count(SCOPE) === 1)
assert(State.listKeys(SCOPE)[0] === 'answer')
assert(State.list(SCOPE)[0].value === 42)
assert(State.listScopes({ prefix: SCOPE })[0] === SCOPE)

// Big integers, bytes and empty lists come back as what they were, and an unknown option is an error and not ignored.
State.save(SCOPE, 'values', { big: 2n ** 60n, list: [], bytes: new Uint8Array([0, 255]), text: 'ã', gone: undefined })
const values = State.load(SCOPE, 'values')
assert(values.big === 2n ** 60n && Array.isArray(values.list) && values.text === 'ã')
assert(values.bytes instanceof Uint8Array && values.bytes[1] === 255 && !('gone' in values))
assert(problemOf(() => State.save(SCOPE, 'answer', 1, { tll: 5 }))?.code === 'bad_argument')

// What cannot be stored exactly is refused, with the path to it.
const problem = problemOf(() => State.save(SCOPE, 'answer', { steps: { last: print } }))
assert(problem instanceof ScriptError && problem.code === 'bad_value')
console.log(String(problem))

assert(State.delete(SCOPE, 'answer') && !State.delete(SCOPE, 'answer'))
assert(State.clear(SCOPE) === 1)
State.flush()
assert(State.metrics().writes > 0)
console.log('All of them work.')
