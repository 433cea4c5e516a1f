// What is no event, no pattern, no timeout; and a subscription with a handler gives nothing to receive.
const code = (f, ...given) => {
  try {
    f(...given)
    print('fine')
  } catch (e) {
    print(`${e.code}: ${e}`)
  }
}
code(Event.publish, '', {})
code(Event.publish, 'a.*', {})
code(Event.publish, 'a', {}, { correlation_id: '' })
code(Event.publish, 'a', {}, { ttl: 0 })
code(Event.publish, 'a', {}, { language: 'runtime' })
code(Event.publish, 'a', {}, { language: 'lua', ttl_seconds: 1, priority: 'high' })
code(Event.subscribe, '')
code(Event.receive, Event.subscribe('x', () => {}))
code(Event.receive, Event.subscribe('x'), -1)
code(Event.timeline, 'x', { since: 'never' })
// expect: bad_argument: Event.publish: the type of an event must be text that is not empty, got ''
// expect: bad_argument: Event.publish: the type 'a.*' holds a '*', which only patterns do
// expect: bad_argument: Event.publish: a correlation id has 1 to 255 bytes, not 0
// expect: bad_argument: Event.publish: ttl must be a number of seconds above 0, got 0
// expect: bad_argument: Event.publish: the language 'runtime' is that of the runtime's own events
// expect: fine
// expect: bad_argument: Event.subscribe: the pattern of an event must be text that is not empty, got ''
// expect: bad_argument: Event.receive: this subscription has a handler, which gets its events
// expect: bad_argument: Event.receive: timeout_ms must be 0 to 1000000000000, got -1
// expect: bad_argument: Event.timeline: 'never' is no RFC 3339 time
