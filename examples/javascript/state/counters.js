// Counters: two processes count at the same time, in the same store, and not one count is lost.
//
// Every process takes a number of its own, counts 200 page views, and writes down what it did. With the word `report`
// the script adds up what they wrote down and compares it with the counters.
//
// Config: configs/state-enabled.toml (a store on disk, which all processes share)
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/state/counters.js
//
// Two at once, and then the report:
//   llmspell -c configs/state-enabled.toml run examples/javascript/state/counters.js &
//   llmspell -c configs/state-enabled.toml run examples/javascript/state/counters.js; wait
//   llmspell -c configs/state-enabled.toml run examples/javascript/state/counters.js report

const SITE = 'site'
const VIEWS = 200
const PAGES = ['home', 'news', 'about', 'help']

const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0)

function report() {
  const done = State.list(SITE, { prefix: 'done:' })
  const expected = total(done.map((pair) => pair.value))
  const counted = State.load(SITE, 'views') ?? 0
  const byPage = total(Object.values(State.load(SITE, 'pages') ?? {}))
  console.log(`Processes: ${done.length}, page views: ${expected}`)
  console.log(`Counted with increment: ${counted}, lost: ${expected - counted}`)
  console.log(`Counted with update: ${byPage}, lost: ${expected - byPage}`)
}

function count() {
  console.log(`Counting ${VIEWS} page views.`)
  const number = State.increment(SITE, 'processes') // no two processes get the same
  for (let view = 1; view <= VIEWS; view++) {
    State.increment(SITE, 'views')

    // Where there is more to change than one number, `update` does it in one step.
    const page = PAGES[view % PAGES.length]
    State.update(SITE, 'pages', (pages) => ({ ...pages, [page]: (pages?.[page] ?? 0) + 1 }))
  }
  State.save(SITE, `done:${String(number).padStart(6, '0')}`, VIEWS)
  console.log('Done.')
}

args[0] === 'report' ? report() : count()
