// A handler runs under the correlation of its event, so what it saves and publishes carries it; the timeline has it all.
Event.subscribe('order.*', (event) => {
  State.save('orders', event.data.id, { seen: true })
  Event.publish('mail.sent', event.data)
})
Event.publish('order.created', { id: 'a' }, { correlation_id: 'request-7' })
State.save('orders', 'unrelated', 1)
sleep(0)
print(Event.timeline('request-7').map((entry) => `${entry.kind} ${entry.event_type ?? entry.key} ${entry.correlation_id}`).join('; '))
print(State.history('orders', 'a')[0].correlation_id)
const changed = State.changes({ correlationId: 'request-7' }).changes
print(`${changed.length} ${changed[0].key}`)
const first = Event.timeline('request-7', { limit: 1 })
print(`${first.length} ${Event.timeline('request-7', { since: first[0].at }).length}`)
print(Event.timeline('nobody').length)
const own = Event.subscribe('x')
Event.publish('x', {})
print(Event.receive(own, 0).correlation_id === State.history('orders', 'unrelated')[0].correlation_id)
// expect: event.published order.created request-7; state.saved a request-7; event.published mail.sent request-7
// expect: request-7
// expect: 1 a
// expect: 1 2
// expect: 0
// expect: true
