// A handler that raises is a warning and counted; the publisher and other handlers never notice.
Event.subscribe('a', () => { throw new Error('boom') })
Event.subscribe('a', (event) => { print(`second ${event.sequence}`) })
Event.publish('a', {})
Event.publish('a', {})
sleep(0)
print(Event.getStats().event_bus_stats.handler_failures)
// expect: second 1
// expect: second 2
// expect: 2
// expect stderr: boom
