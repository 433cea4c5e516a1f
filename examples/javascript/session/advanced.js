// Sessions in numbers: templates, hierarchies of parents and children, bulk work with limits, and analytics over all of it.
//
// Config: configs/session-enabled.toml
// Run:    llmspell -c configs/session-enabled.toml run examples/javascript/session/advanced.js

// A template is an object of options that new sessions start from.
const templates = {
  review: {tags: ['example', 'review'], metadata: {priority: 'normal'}, maxOperations: 4},
  urgent: {tags: ['example', 'review', 'urgent'], metadata: {priority: 'high'}, maxOperations: 4},
}
const start = (template, name, parent) => Session.create({...templates[template], name, parentSessionId: parent})

// A hierarchy: one session for the whole, one below it for each part.
const whole = start('review', 'release 2.0')
const parts = ['docs', 'code', 'tests', 'licences'].map((name) =>
  start(name === 'tests' ? 'urgent' : 'review', name, whole))

// Bulk work: every part under its own session, each within its limit. One of them wants too much, and is stopped.
const wanted = {docs: 2, code: 3, tests: 4, licences: 6}
for (const part of parts) {
  const {name} = Session.get(part)
  Session.setCurrent(part)
  try {
    for (let finding = 1; finding <= wanted[name]; finding++) {
      State.save('session:' + part, 'finding:' + finding, `${name} ${finding}`)
    }
    Session.complete(part)
  } catch (problem) {
    Session.fail(part, problem.code)
  }
}
Session.setCurrent(null)

// Analytics: filters, sorting and sums.
const children = Session.list({parentSessionId: whole, status: 'all', sortBy: 'operation_count', descending: true})
let total = 0
for (const child of children) {
  total += child.operation_count
  const reason = child.failure_reason ? ', ' + child.failure_reason : ''
  print(`${child.name.padEnd(9)} ${child.status.padEnd(9)} ${child.operation_count} operations${reason}`)
}
print(`All together: ${total} operations`)
print('Urgent: ' + Session.list({tags: ['review', 'urgent'], status: 'all'})[0].name)
print('Failed: ' + Session.list({parentSessionId: whole, status: 'failed'}).length)
print('About licences: ' + Session.list({text: 'LICENCE', status: 'all'})[0].name)

// What failed is tried again in a fork, with a longer limit; the failed one stays as it was.
const failed = Session.list({parentSessionId: whole, status: 'failed'})[0].id
const again = Session.fork(failed, {name: 'licences, again'})
Session.update(again, {maxOperations: 10})
Session.setCurrent(again)
for (let finding = State.count('session:' + again) + 1; finding <= wanted.licences; finding++) {
  State.save('session:' + again, 'finding:' + finding, 'licences ' + finding)
}
Session.complete(again)
print(`${Session.get(again).name}: ${State.count('session:' + again)} findings`)

// Tidy up, children first.
for (const child of children) Session.delete(child.id)
Session.delete(again)
Session.delete(whole, {force: true})
print('Left: ' + Session.list({tags: ['review'], status: 'all'}).length)
