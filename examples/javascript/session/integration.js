// One session through State, Event and Hook: a hook that guards the state, events of the work, one correlation for all.
//
// Config: configs/session-enabled.toml
// Run:    llmspell -c configs/session-enabled.toml run examples/javascript/session/integration.js

const order = Session.create({name: 'order 17', tags: ['example']})
const scope = 'session:' + order
const told = Event.subscribe('order.*')
Session.setCurrent(order)

// A hook has its say before every change of the order.
Hook.register('BeforeStateWrite', (context) => {
  const added = context.data.new_value
  if (added && added.amount < 0) return 'an amount cannot be negative'
}, {name: 'amounts', scope})

// Several changes that belong together are one commit, and so are their entries in the timeline.
State.transaction(() => {
  State.save(scope, 'item', {name: 'tea', amount: 3})
  State.save('stock', 'tea', 97)
})
Event.publish('order.placed', {items: 1})
Session.save(order, {label: 'placed'})

try {
  State.save(scope, 'item', {name: 'tea', amount: -3})
} catch (problem) {
  print('A bad amount: ' + problem.code)
}

const event = Event.receive(told, 1000)
print('Told: ' + event.event_type)

// Everything that happened carries the correlation of the session.
const correlation = Session.get(order).correlation_id
print('The event is of this session: ' + (event.correlation_id === correlation))
print('The change is of this session: ' + (State.history('stock', 'tea', {limit: 1})[0].correlation_id === correlation))

const counts = {}
for (const entry of Session.timeline(order)) counts[entry.kind] = (counts[entry.kind] ?? 0) + 1
for (const kind of ['state.saved', 'checkpoint.saved', 'event.published', 'hook.executed']) {
  print(`${kind}: ${counts[kind] ?? 0}`)
}
print('Recorded for replay: ' + Session.canReplay(order))

Session.complete(order)
print('Current after it has ended: ' + (Session.getCurrent() !== null))
Session.delete(order)
