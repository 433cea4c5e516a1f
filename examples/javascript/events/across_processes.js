// Events across processes: what one process saves, another one hears of and turns into events of its own.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/events/across_processes.js
//
// Without a word this process is both. In two terminals, first the one that watches, then the one that orders:
//   llmspell -c configs/state-enabled.toml run examples/javascript/events/across_processes.js watch
//   llmspell -c configs/state-enabled.toml run examples/javascript/events/across_processes.js order

const [SHOP, WATCH, ITEMS] = ['corner-shop', 'corner-shop-watch', ['tea', 'milk', 'bread']]
const role = args[0] ?? 'both'

// Events themselves stay in their process; the state is what processes share, and its journal is the feed.
function order() {
  for (const item of ITEMS) {
    State.save(SHOP, `order:${item}`, { item })
    print(`Ordered ${item}`)
  }
}

function watch() {
  Event.subscribe('order.saved', (event) => {
    print(`Shipping ${event.data.item}`)
  })
  let seen = 0
  while (seen < ITEMS.length) {
    // The cursor is in the state too, so that the next run goes on where this one stopped and misses nothing.
    const since = State.load(WATCH, 'cursor', { default: 0 })
    const feed = State.changes({ since, scope: SHOP, prefix: 'order:', timeout: 30 })
    if (feed.changes.length === 0) {
      print('Nobody orders anything')
      return
    }
    for (const change of feed.changes) {
      // The correlation goes along: the timeline of the order reaches from one process into the other.
      const order = State.load(SHOP, change.key, { at: change.version })
      Event.publish('order.saved', order, { correlation_id: change.correlation_id })
      seen++
    }
    State.save(WATCH, 'cursor', feed.next)
  }
  sleep(0) // the handlers run
}

if (role !== 'watch') order()
if (role !== 'order') watch()
