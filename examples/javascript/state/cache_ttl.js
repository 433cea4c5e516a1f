// Time to live: values that disappear by themselves, exactly when their time is over.
//
// An expired value is absent from every read, count and list from that moment on, whether or not it was swept from the
// disk yet.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/state/cache_ttl.js

const CACHE = 'web-cache'
const LIMITS = 'rate-limits'

State.clear(CACHE) // begin afresh
State.clear(LIMITS)

// A cache in front of something slow: `ttl` is in seconds, fractions count.
function fetch(page, ttl) {
  if (State.exists(CACHE, page)) {
    console.log(`${page}: from the cache`)
  } else {
    console.log(`${page}: fetched`)
    State.save(CACHE, page, `the text of ${page}`, { ttl })
  }
}

fetch('news', 60)
fetch('news', 60)
fetch('weather', 0.05)
sleep(0.1)
fetch('weather', 0.05)

// Gone is gone, however one looks.
State.save(CACHE, 'timetable', '8:15, 9:15', { ttl: 0.05 })
sleep(0.1)
console.log(`timetable: load gives ${State.load(CACHE, 'timetable') ?? 'nothing'}`)
console.log(`timetable: exists gives ${State.exists(CACHE, 'timetable')}`)
console.log(`timetable: entry gives ${State.entry(CACHE, 'timetable') ?? 'nothing'}`)
console.log(`All keys: ${State.listKeys(CACHE).join(', ')}; count: ${State.count(CACHE)}`)

// Each save says anew how long the value lives. Without a ttl it stays.
const lifetime = (key) => (State.entry(CACHE, key)?.expires_at ? 'it will expire' : 'it stays')
console.log(`news: ${lifetime('news')}`)
State.save(CACHE, 'news', 'the war is over')
console.log(`news, saved without a ttl: ${lifetime('news')}`)

// A rate limit: the first attempt opens the window, `increment` keeps its end.
function isAllowed(client, limit, window) {
  return State.transaction(() => {
    if (!State.exists(LIMITS, client)) {
      State.save(LIMITS, client, 0, { ttl: window })
    }
    return State.increment(LIMITS, client) <= limit
  })
}

for (let attempt = 1; attempt <= 3; attempt++) {
  console.log(`ann, attempt ${attempt}: ${isAllowed('ann', 2, 60) ? 'allowed' : 'too many'}`)
}
for (let attempt = 1; attempt <= 3; attempt++) {
  console.log(`ben, attempt ${attempt}: ${isAllowed('ben', 1, 0.05) ? 'allowed' : 'too many'}`)
  sleep(0.1) // Ben waits until his window is over
}

// A ttl of nothing is a mistake: it would save what nobody can ever read.
try {
  State.save(CACHE, 'flash', '!', { ttl: 0 })
} catch (problem) {
  console.log(String(problem))
}
