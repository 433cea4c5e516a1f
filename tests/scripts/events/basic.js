// Publish, receive, the shape of an event, and nothing when there is nothing.
const orders = Event.subscribe('order.*')
print(Event.publish('order.created', { id: 7, items: ['tea'] }, { tags: ['shop'], source: 'web' }))
Event.publish('user.created', {})
const event = Event.receive(orders, 100)
print(`${event.event_type} ${event.data.id} ${event.data.items[0]} ${event.sequence}`)
print(event.language === 'javascript')
print(`${event.metadata.tags[0]} ${event.metadata.source} ${event.id.length} ${event.correlation_id.length} ${event.timestamp.at(-1)}`)
print(Event.receive(orders, 0) === null)
print(Event.unsubscribe(orders))
print(Event.unsubscribe(orders))
try { Event.receive(orders) } catch (e) { print(e.code) }
print(Event.listSubscriptions().length)
// expect: true
// expect: order.created 7 tea 1
// expect: true
// expect: shop web 36 36 Z
// expect: true
// expect: true
// expect: false
// expect: not_found
// expect: 0
