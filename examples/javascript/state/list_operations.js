// List operations: find keys by prefix, page through them, and keep a registry of your own.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/state/list_operations.js

const SHELF = 'bookshelf'

const BOOKS = [
  { id: 'book:0001', title: 'Dune', topic: 'desert' },
  { id: 'book:0002', title: 'Emma', topic: 'village' },
  { id: 'book:0003', title: 'Heidi', topic: 'mountain' },
  { id: 'book:0004', title: 'Middlemarch', topic: 'village' },
  { id: 'book:0005', title: 'Walden', topic: 'pond' },
]

State.clear(SHELF) // begin afresh

// Beside every book stands a second key, made of what one looks for: a registry, or index. The transaction keeps the
// two together whatever happens.
function add({ id, title, topic }) {
  State.transaction(() => {
    State.save(SHELF, id, { title, topic })
    State.save(SHELF, `topic:${topic}:${id}`, true)
  })
}

BOOKS.forEach(add)
console.log(`Keys: ${State.count(SHELF)}, books: ${State.count(SHELF, { prefix: 'book:' })}`)

// Keys come in byte order; `reverse` turns it round.
const [first] = State.listKeys(SHELF, { prefix: 'book:', limit: 1 })
const [last] = State.listKeys(SHELF, { prefix: 'book:', limit: 1, reverse: true })
console.log(`First: ${first}`)
console.log(`Last:  ${last}`)

// Paging: ask for a few, then for those after the last one. A page costs the same however many keys there are.
function* pages(options) {
  let keys = State.listKeys(SHELF, options)
  while (keys.length > 0) {
    yield keys
    keys = State.listKeys(SHELF, { ...options, after: keys.at(-1) })
  }
}

let page = 0
for (const keys of pages({ prefix: 'book:', limit: 2 })) {
  page += 1
  console.log(`Page ${page}: ${keys.join(', ')}`)
}

// `list` gives the values too.
for (const { key, value } of State.list(SHELF, { prefix: 'book:', after: 'book:0003' })) {
  console.log(`${key} is ${value.title}`)
}

// The registry answers "which books are about a village?" without a look at any other book.
const prefix = 'topic:village:'
for (const key of State.listKeys(SHELF, { prefix })) {
  const id = key.slice(prefix.length)
  console.log(`About a village: ${State.load(SHELF, id).title}`)
}

// Byte order is not the order of numbers: pad numbers with zeros, as the ids above do.
for (const number of [9, 10, 100]) {
  State.save(SHELF, `plain:${number}`, true)
  State.save(SHELF, `padded:${String(number).padStart(4, '0')}`, true)
}
console.log(`Plain:  ${State.listKeys(SHELF, { prefix: 'plain:' }).join(', ')}`)
console.log(`Padded: ${State.listKeys(SHELF, { prefix: 'padded:' }).join(', ')}`)

// What has a common prefix can be removed together, in one commit.
const removed = State.clear(SHELF, { prefix: 'plain:' }) + State.clear(SHELF, { prefix: 'padded:' })
console.log(`Removed ${removed}, keys left: ${State.count(SHELF)}`)
