// Recovery and replay: a job in steps with checkpoints, a failure, going back to before it, a fork that tries something
// else, and the hooks that were recorded on the way, run again to see what a new rule would have said.
//
// Config: configs/session-enabled.toml
// Run:    llmspell -c configs/session-enabled.toml run examples/javascript/session/replay.js

const job = Session.create({ name: 'import of orders', tags: ['example'] })
const scope = `session:${job}`
Session.setCurrent(job)

// A rule that is asked before every save of an order. Its answers are recorded with the session.
let largest = 500
Hook.register(
  'BeforeStateWrite',
  (context) => {
    const order = context.data.new_value
    if (order.amount > largest) {
      return { type: 'modified', data: { new_value: { amount: order.amount, needs_approval: true } } }
    }
  },
  { name: 'approval', scope, key: 'order:*' },
)

// The steps. After each one that went well there is a checkpoint.
State.save(scope, 'order:1', { amount: 120 })
State.save(scope, 'order:2', { amount: 950 })
Session.save(job, { label: 'orders read' })

function charge(key) {
  if (State.load(scope, key).needs_approval) throw new Error(`${key} waits for approval`)
  State.save(scope, 'charged', key)
}

function runJob() {
  State.save(scope, 'step', 'charging')
  charge('order:1')
  charge('order:2')
  State.save(scope, 'step', 'done')
}

try {
  runJob()
} catch (error) {
  Session.fail(job, error.message)
}
console.log(`The job is ${Session.get(job).status}: ${Session.get(job).failure_reason}`)
console.log(`Left behind: step ${State.load(scope, 'step')}, charged ${State.load(scope, 'charged')}`)

// Back to the checkpoint: the values, and the session itself, are as they were. The timeline goes on.
Session.load(job, { checkpoint: 'orders read' })
Session.setCurrent(job)
console.log(`Back at the checkpoint: ${Session.get(job).status}, step ${State.load(scope, 'step') ?? 'nil'}`)

// A fork starts from the same checkpoint and leaves the job alone.
const trial = Session.fork(job, { checkpoint: 'orders read', name: 'without order 2' })
State.delete(`session:${trial}`, 'order:2')
console.log(`In the fork: ${State.listKeys(`session:${trial}`).join(', ')}`)
Session.complete(trial)

// Somebody approves, and the job is finished.
State.save(scope, 'order:2', { amount: 450 })
runJob()
Session.complete(job)
console.log(`The job is ${Session.get(job).status}, step ${State.load(scope, 'step')}`)

const told = ['checkpoint.saved', 'session.failed', 'checkpoint.loaded', 'session.completed']
console.log(`What happened: ${Session.timeline(job, { kinds: told }).map((entry) => entry.kind).join(', ')}`)

// Replay: the recorded hooks again. With the same rule they say the same.
const recorded = Session.getReplayMetadata(job)
const same = Session.replay(job)
console.log(`Recorded ${recorded.total_hooks}, replayed ${same.hooks_replayed}, differences ${same.differences.length}`)

// What would a stricter rule have said? Nothing is changed by asking.
largest = 400
const stricter = Session.replay(job)
for (const each of stricter.differences) {
  console.log(`With a limit of 400: ${each.path} ${each.description}`)
}
console.log(`Order 2 is still ${State.load(scope, 'order:2').amount}`)

// And what would the rule say about other amounts?
const changed = Session.replay(job, { mode: 'modified', modifications: { 'data.new_value.amount': 10 } })
for (const each of changed.differences) {
  console.log(`For small orders: ${each.path} ${each.description}`)
}
