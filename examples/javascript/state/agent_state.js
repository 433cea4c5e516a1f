// Agent state: the conversation, the settings and the tallies of one agent, in a scope of its own.
//
// Shows four patterns: a log with one key per message, a short window of it for the next prompt, settings with
// defaults, and counters. The "model" here is a function that answers at once; put your own in its place.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/state/agent_state.js

const AGENT = 'agent:tour-guide'
const DEFAULTS = { model: 'small', temperature: 0.7, language: 'en' }

// A real agent keeps its memory. This one begins afresh, so that every run tells the same story.
State.clear(AGENT)

// Settings: only what differs from the defaults is stored, so new defaults reach old agents.
const settings = () => ({ ...DEFAULTS, ...State.load(AGENT, 'settings') })

function changeSetting(name, value) {
  State.update(AGENT, 'settings', (stored) => ({ ...stored, [name]: value }))
}

// The conversation: one key per message. The number is padded with zeros, because keys are in byte order.
function remember(role, text) {
  State.transaction(() => {
    const number = State.increment(AGENT, 'messages')
    State.save(AGENT, `message:${String(number).padStart(6, '0')}`, { role, text })
  })
}

// The newest messages, oldest of them first: what fits into the next prompt.
function recentMessages(size) {
  const pairs = State.list(AGENT, { prefix: 'message:', reverse: true, limit: size })
  return pairs.map((pair) => pair.value).reverse()
}

const model = (question) => `You asked: ${question}`

function ask(question) {
  remember('user', question)
  const answer = model(question)
  remember('assistant', answer)
  State.increment(AGENT, 'words_used', answer.split(/\s+/).length)
  return answer
}

changeSetting('language', 'pt')
changeSetting('temperature', 0.2)
const now = settings()
console.log(`Settings: ${now.model}, ${now.temperature}, ${now.language}`)

for (const question of ['Where is the castle?', 'When does it open?', 'Is there a tram?']) {
  console.log(`> ${question}`)
  console.log(`  ${ask(question)}`)
}

console.log('The next prompt would begin with:')
for (const { role, text } of recentMessages(3)) {
  console.log(`  ${role}: ${text}`)
}

console.log(`Messages: ${State.load(AGENT, 'messages')}, words used: ${State.load(AGENT, 'words_used')}`)

// Forgetting the conversation is one commit, and leaves the settings.
State.transaction(() => {
  State.clear(AGENT, { prefix: 'message:' })
  State.delete(AGENT, 'messages')
})
const left = State.count(AGENT, { prefix: 'message:' })
console.log(`Forgotten: ${left} messages left, language still ${settings().language}`)
