// History: every change is kept. Look at the revisions of a value, take an old one back, and follow what changes.
//
// Config: configs/state-enabled.toml ([state.journal] keep_days says how far back the history goes, 30 by default)
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/state/history.js

const WIKI = 'wiki'
const INDEX = 'search-index'

// The feed of changes: what happened in the wiki since we last asked. The cursor is in the state too, so that the next
// run goes on where this one stopped.
function catchUp() {
  const feed = State.changes({ since: State.load(INDEX, 'cursor') ?? 0, scope: WIKI })
  State.save(INDEX, 'cursor', feed.next)
  return feed.changes
}

State.clear(WIKI)
catchUp() // what earlier runs did is no news

State.save(WIKI, 'home', 'Welcome.')
State.save(WIKI, 'home', 'Welcome to our garden.')
State.save(WIKI, 'home', 'asdfghjkl')

// The revisions of one value, the newest first.
const revisions = State.history(WIKI, 'home', { limit: 3 })
revisions.forEach(({ op, value }, index) => {
  console.log(`Revision ${index + 1}: ${op} ${value}`)
})

// The value as it was at a version, or at a time.
const good = revisions[1]
console.log(`At that version: ${State.load(WIKI, 'home', { at: good.version })}`)
console.log(`At that time:    ${State.load(WIKI, 'home', { at: good.at })}`)

// Taking it back is saving it again: nothing that happened is lost.
State.save(WIKI, 'home', good.value)
console.log(`Home says: ${State.load(WIKI, 'home')}`)

// What was deleted can still be looked up.
State.save(WIKI, 'recipe', 'Apple cake')
const written = State.entry(WIKI, 'recipe').version
State.delete(WIKI, 'recipe')
console.log(`The recipe exists: ${State.exists(WIKI, 'recipe')}`)
console.log(`The recipe was: ${State.load(WIKI, 'recipe', { at: written })}`)
for (const { op } of State.history(WIKI, 'recipe', { since: written - 1 })) {
  console.log(`The recipe's history: ${op}`)
}

// What commits together has one version, and stands together in the feed.
State.transaction(() => {
  State.save(WIKI, 'tools', 'Rake and spade')
  State.save(WIKI, 'plants', 'Roses')
})
for (const { op, key } of catchUp()) {
  console.log(`Change: ${op} ${key}`)
}

// With a timeout it waits for the first change, also one by another process.
const cursor = State.load(INDEX, 'cursor')
const later = State.changes({ since: cursor, scope: WIKI, timeout: 0.05 })
console.log(`Changes since then: ${later.changes.length}`)
