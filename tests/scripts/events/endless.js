// A handler that publishes what it listens to is ended after a long chain.
let calls = 0
Event.subscribe('ping', () => { calls++; Event.publish('ping', {}) })
Event.publish('ping', {})
sleep(0.5)
print(calls)
// expect: 1000
// expect stderr: handlers of events cause each other without end
