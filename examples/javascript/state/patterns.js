// Patterns: small functions to copy. Configuration, preferences, sessions that expire, a cache, counters, claims.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/state/patterns.js

// The scopes that this example uses. It begins afresh, so that every run prints the same.
for (const scope of ['app', 'user:carol', 'user:dan', 'session:4711', 'session:4712', 'cache', 'stats', 'jobs']) {
  State.clear(scope)
}

// 1. Configuration: every setting is a key of its own, and has its default in one place.
const DEFAULTS = { 'retry.limit': 3, 'retry.pause': 1.5, greeting: 'hello' }

const config = (name) => State.load('app', `config:${name}`, { default: DEFAULTS[name] })

State.save('app', 'config:retry.limit', 5)
console.log(`Configuration: limit ${config('retry.limit')}, pause ${config('retry.pause')}`)

// 2. Preferences: a document for each user. `update` reads, changes and saves as one step, so that two scripts that
//    change different preferences at once both succeed.
function prefer(user, name, value) {
  State.update(`user:${user}`, 'preferences', (preferences) => ({ ...preferences, [name]: value }))
}

function preference(user, name, fallback) {
  return State.load(`user:${user}`, 'preferences')?.[name] ?? fallback
}

prefer('carol', 'theme', 'dark')
prefer('carol', 'sounds', false)
for (const user of ['carol', 'dan']) {
  const sounds = preference(user, 'sounds', true) ? 'on' : 'off'
  console.log(`Preferences of ${user}: ${preference(user, 'theme', 'light')}, sounds ${sounds}`)
}

// 3. Sessions that expire: every visit starts the time anew.
function visit(session, user, seconds) {
  State.update(`session:${session}`, 'pages', (pages) => (pages ?? 0) + 1)
  State.save(`session:${session}`, 'login', { user }, { ttl: seconds })
}

const userOf = (session) => State.load(`session:${session}`, 'login')?.user ?? 'nobody'

visit('4711', 'carol', 1800)
visit('4711', 'carol', 1800)
visit('4712', 'dan', 0.05)
sleep(0.1)
console.log(`Session 4711: ${userOf('4711')}, ${State.load('session:4711', 'pages')} pages`)
console.log(`Session 4712: ${userOf('4712')}, its time is over`)

// 4. A cache: compute once, then remember for a while.
function cached(key, seconds, compute) {
  let value = State.load('cache', key)
  if (value === null) {
    value = compute()
    State.save('cache', key, value, { ttl: seconds })
  }
  return value
}

let computed = 0
const rate = () => {
  computed += 1
  return 1.25
}

for (let i = 0; i < 3; i++) cached('rate:eur-usd', 60, rate)
console.log(`Cache: ${cached('rate:eur-usd', 60, rate)}, computed ${computed} time`)

// 5. Counters: nothing is lost, however many scripts count at once. A day in the key makes a series.
State.increment('stats', 'visits:2026-03-01')
State.increment('stats', 'visits:2026-03-01')
State.increment('stats', 'visits:2026-03-02', 40)
for (const { key, value } of State.list('stats', { prefix: 'visits:' })) {
  console.log(`Counter ${key}: ${value}`)
}

// 6. Claims: `ifVersion: 0` saves only where nothing is, so that of several workers one gets the job. The ttl gives
//    it back when that worker dies.
function claim(job, worker) {
  try {
    State.save('jobs', job, worker, { ttl: 60, ifVersion: 0 })
    return true
  } catch (problem) {
    if (problem.code !== 'conflict') throw problem
    return false
  }
}

for (const worker of ['worker 1', 'worker 2']) {
  console.log(`Claim: ${worker} ${claim('report', worker) ? 'got the job' : 'was too late'}`)
}
