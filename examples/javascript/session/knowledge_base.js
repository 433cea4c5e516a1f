// A knowledge base: documents with tags and sources, searchable, revised without losing what was said before, exported
// as answers with their sources.
//
// Config: configs/session-enabled.toml
// Run:    llmspell -c configs/session-enabled.toml run examples/javascript/session/knowledge_base.js

const DOCUMENTS = [
  ['postgres-tuning.md', 'Raise shared_buffers to a quarter of the memory before you look at anything else.',
    ['postgres', 'performance'], 'handbook'],
  ['postgres-backup.md', 'A dump restores slowly. Keep base backups and the log for anything above 100 GB.',
    ['postgres', 'backup'], 'incident 12'],
  ['lua-strings.md', 'Concatenate in a loop with table.concat: the operator .. copies every time.',
    ['lua', 'performance'], 'review'],
  ['on-call.md', 'Say what you see before you say what you think. Write down the time.', ['process'], 'handbook'],
]

// The base is a session of its own, found by its name on every later run.
const open = name => {
  const [found] = Session.list({name})
  return found ? found.id : Session.create({name, tags: ['knowledge'], maxIdleTime: 0})
}

const base = open('knowledge base')

const learn = (name, text, tags, source) =>
  Artifact.store(base, 'document', name, text, {mime_type: 'text/markdown', tags, source})

// Many documents in one commit: all of them are there, or none.
State.transaction(() => DOCUMENTS.forEach(each => learn(...each)))
print(`Documents: ${Artifact.stats(base).count}`)

// Questions are words; a document that has more of them in it is a better answer.
const ask = (question, tags) => {
  const score = new Map()
  for (const word of question.match(/\w+/g).filter(word => word.length > 3)) {
    for (const {name} of Artifact.query({sessionId: base, type: 'document', tags, text: word})) {
      score.set(name, (score.get(name) ?? 0) + 1)
    }
  }
  return [...score.keys()].sort((a, b) => score.get(b) - score.get(a) || (a < b ? -1 : 1))
}

for (const question of ['How do we restore a large dump?', 'How much memory for buffers?', 'Which time to write?']) {
  const [best] = ask(question)
  print(`${question} -> ${best} (${Artifact.info(base, best).custom.source})`)
}
print(`Only about Lua: ${ask('copies memory every time', ['lua']).join(', ')}`)

// A revision is a new version; the old one stays readable, and says what it was replaced by.
const old = Artifact.info(base, 'postgres-backup.md')
learn('postgres-backup.md', 'Keep base backups and the log, and restore one every month: a backup nobody tried is none.',
  ['postgres', 'backup'], 'incident 31')
const history = Artifact.versions(base, 'postgres-backup.md')
print(`Revised: ${history.length} versions, sources ${history.map(each => each.custom.source).join(' and ')}`)
print(`As it was: ${Artifact.getContent(base, old.id).slice(0, 22)}`)

// An index by tag, made from what is there.
const byTag = {}
for (const each of Artifact.list(base, {type: 'document'})) {
  for (const tag of each.tags) (byTag[tag] ??= new Set()).add(each.name)
}
for (const tag of Object.keys(byTag).sort()) print(`  ${tag}: ${[...byTag[tag]].sort().join(', ')}`)

// A reader gets a copy that goes its own way: the bytes are shared.
const copy = Session.fork(base, {name: 'reading copy'})
Artifact.delete(copy, 'on-call.md')
print(`The copy has ${Artifact.stats(copy).count} documents, the base ${Artifact.stats(base).count}`)

// This example begins afresh: a real base would stay.
for (const session of [copy, base]) Session.delete(session, {force: true})
