// Events: who tells that something has happened need not know who listens.
//
// Config: configs/state-enabled.toml ([runtime.events] buffer_size bounds what waits for a listener, 10,000 events by default)
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/events/basic.js

// A subscription without a handler keeps its events until the script asks for them.
const orders = Event.subscribe('order.*')

// One with a handler gets each event by itself: at the script's next call of anything, while it sleeps, and at its end.
Event.subscribe('order.created', (event) => {
  print(`  (mail to ${event.data.customer})`)
})

Event.publish('order.created', { id: 1, customer: 'Ada', items: ['tea', 'milk'] })
Event.publish('order.paid', { id: 1 }, { tags: ['card'], source: 'till' })
Event.publish('stock.low', { item: 'milk' }) // nobody listens, and that is fine

print('What happened to orders:')
for (;;) {
  const event = Event.receive(orders, 100) // waits for at most 100 ms
  if (!event) break
  const source = event.metadata.source ? ` from the ${event.metadata.source}` : ''
  print(`${event.event_type} of order ${event.data.id}${source}`)
}

// The runtime publishes events of its own. They tell what was changed, never the value.
const changes = Event.subscribe('state.changed')
State.save('shop', 'open', true)
const change = Event.receive(changes, 100)
print(`Changed by ${change.data.op}: ${change.data.scope}/${change.data.key}`)

// A handler that fails is a warning, and nobody else's problem; queues are bounded, and everything is counted.
const stats = Event.getStats().event_bus_stats
print(`Published ${stats.published}, dropped ${stats.dropped}`)
print(`Unsubscribed: ${Event.unsubscribe(orders)}`)
