// Patterns: a subscription names event types with `*`, which stands for one or more characters at any place.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/events/patterns.js

const PATTERNS = [
  'user.created', // this type alone
  'user.*', //       everything about users
  '*.created', //    everything that begins
  'shop.*.paid', //  in the middle too
  '*err*', //        a part of the name, with something on both sides
  '*', //            all there is
]
const TYPES = ['user.created', 'user.profile.changed', 'order.created', 'shop.42.paid', 'shop.paid', 'disk.error.full', 'error']

const subscriptions = PATTERNS.map((pattern) => Event.subscribe(pattern))
for (const type of TYPES) Event.publish(type)

PATTERNS.forEach((pattern, i) => {
  const got = []
  for (let event; (event = Event.receive(subscriptions[i], 0)); ) got.push(event.event_type)
  print(`${pattern}: ${got.join(', ')}`)
})

// An exact type may not hold a star: only patterns do.
try {
  Event.publish('user.*')
} catch (problem) {
  print(problem.code)
}
