// Correlations: everything that one request leads to carries its id, through events, handlers, hooks and the state.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/events/correlation.js

// Each step knows only the event before it. A handler runs under the correlation of its event, and so does what it causes.
Event.subscribe('request.received', (event) => {
  State.save('requests', event.data.id, { status: 'accepted' })
  Event.publish('work.begun', { id: event.data.id })
})
Event.subscribe('work.begun', (event) => {
  State.update('requests', event.data.id, (request) => ({ ...request, status: 'done' }))
  Event.publish('work.ended', { id: event.data.id })
})

// The id is the caller's, for example that of a request; without one, an event carries that of the script's run. This one
// is new in every run, so that the timeline below is that of this run.
const runs = State.increment('requests', 'runs')
const [FIRST, SECOND] = [`request-a${runs}`, `request-b${runs}`]
Event.publish('request.received', { id: 'a' }, { correlation_id: FIRST })
Event.publish('request.received', { id: 'b' }, { correlation_id: SECOND })
sleep(0.01) // the handlers run

// The timeline puts together, in order, what happened under one id: events, changes of the state, runs of hooks.
for (const entry of Event.timeline(SECOND)) {
  print(`${entry.kind} ${entry.event_type ?? `${entry.scope}/${entry.key}`}`)
}

// The changes are in the journal for good, so that another process, or another day, finds them by the id as well:
//   llmspell state changes --correlation ID
for (const change of State.changes({ correlation_id: FIRST }).changes) {
  print(`Request a: ${change.op} ${change.key}`)
}
