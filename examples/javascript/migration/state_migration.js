// Migration by hand: each document carries a version field of its own, and is brought up to date when it is read.
//
// It needs no schema: fine for a few documents of one script. What it does not do is told at the end, and how the same
// transformations run over many documents at once, all or none, with a way back.
//
// Config: configs/migration-enabled.toml
// Run:    llmspell -c configs/migration-enabled.toml run examples/javascript/migration/state_migration.js

const SCOPE = 'settings-by-hand'
const LATEST = 3

// One function for each step, from a version to the next.
const steps = {
  1: ({ dark, ...doc }) => ({ ...doc, theme: dark ? 'dark' : 'light' }),
  2: ({ font, size = 12, ...doc }) => ({ ...doc, editor: { font, size } }),
}

function load(key) {
  let doc = State.load(SCOPE, key)
  if (doc === null) return null
  const was = doc._version ?? 1
  for (let version = was; version < LATEST; version++) doc = { ...steps[version](doc), _version: version + 1 }
  if (was < LATEST) {
    State.save(SCOPE, key, doc)
    console.log(`  ${key}: from version ${was} to ${LATEST}`)
  }
  return doc
}

State.clear(SCOPE)
State.save(SCOPE, 'ann', { dark: true, font: 'Mono' })
State.save(SCOPE, 'bob', { _version: 2, theme: 'light', font: 'Sans', size: 14 })
State.save(SCOPE, 'eve', { _version: 3, theme: 'dark', editor: { font: 'Serif', size: 11 } })

console.log('Reading brings documents up to date:')
for (const key of State.listKeys(SCOPE)) {
  const { theme, editor } = load(key)
  console.log(`  ${key} has the theme ${theme} and the font ${editor.font}, size ${editor.size}`)
}
console.log('Reading again finds nothing to do.')
for (const key of State.listKeys(SCOPE)) load(key)

// The same for all documents of a scope in one go: what fails is put back, and what is done can be undone.
console.log('All at once, with State.migrate:')
const done = State.migrate({ scope: SCOPE, transformations: [
  { transform: 'move', field: 'theme', to: 'editor.theme' },
  { transform: 'remove', field: '_version' },
  { transform: 'function', function: ({ editor, ...doc }) => ({ ...doc, editor: { ...editor, size: editor.size * 10 } }) },
] })
if (!done.success) throw new Error(done.error)
let ann = State.load(SCOPE, 'ann')
console.log(`  ${done.items_migrated} documents: ann has the theme ${ann.editor.theme} and size ${ann.editor.size}`)

if (!State.rollbackMigration().success) throw new Error('not rolled back')
ann = State.load(SCOPE, 'ann')
console.log(`  rolled back: ann has the theme ${ann.theme}, size ${ann.editor.size}, version ${ann._version}`)
