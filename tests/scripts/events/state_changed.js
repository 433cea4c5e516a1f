// The runtime publishes state.changed, once for each key, without values.
// stores: lmdb
State.save('app', 'before', 1)
const changes = Event.subscribe('state.*')
State.save('app', 'a', { secret: 'x' })
State.delete('app', 'a')
State.transaction(() => {
  State.save('app', 'b', 1)
  State.save('app', 'c', 2)
})
const nextChange = () => {
  const event = Event.receive(changes, 0)
  if (!event) return 'none'
  const names = Object.keys(event.data).sort().join(',')
  return `${event.event_type} ${event.data.op} ${event.data.scope}/${event.data.key} ${event.language} ${names}`
}
for (let i = 1; i <= 5; i++) print(nextChange())
Event.unsubscribe(changes)
State.save('app', 'd', 1)
print(Event.getStats().event_bus_stats.published)
// expect: state.changed save app/a runtime key,op,scope,version
// expect: state.changed delete app/a runtime key,op,scope,version
// expect: state.changed save app/b runtime key,op,scope,version
// expect: state.changed save app/c runtime key,op,scope,version
// expect: none
// expect: 4
