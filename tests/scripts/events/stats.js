// Bounded queues, statistics, and a flood.
// config: runtime.events.buffer_size = 3
// config: runtime.events.max_per_second = 8
const all = Event.subscribe('*')
Event.subscribe('other', () => {})
for (let i = 1; i <= 5; i++) Event.publish('a', { i })
print(Event.receive(all, 0).data.i)
const stats = Event.getStats()
const bus = stats.event_bus_stats
print(`${bus.published} ${bus.delivered} ${bus.dropped} ${bus.events_processed} ${bus.buffer_size}`)
print(`${stats.bridge_stats.active_subscriptions} ${stats.bridge_stats.subscriptions_by_language.javascript}`)
try { for (let i = 0; i < 20; i++) Event.publish('a') } catch (e) { print(e.code) }
print(Event.getStats().event_bus_stats.rate_limit_violations)
// expect: 3
// expect: 5 5 2 1 3
// expect: 2 2
// expect: limit_exceeded
// expect: 1
