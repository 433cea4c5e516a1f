// The toolbox of replays: configurations with modifications, the modes, a comparator of any two values, and schedules
// that replay again and again.
//
// Config: configs/session-enabled.toml
// Run:    llmspell -c configs/session-enabled.toml run examples/javascript/session/replay_toolbox.js

// Something to replay: a hook that was asked while a session was current.
const work = Session.create({ name: 'prices' })
Session.setCurrent(work)
Hook.register(
  'BeforeStateWrite',
  ({ data }) => {
    const { net } = data.new_value
    return { type: 'modified', data: { new_value: { net, gross: Math.floor((net * 12) / 10) } } }
  },
  { name: 'tax', scope: 'prices' },
)
State.save('prices', 'tea', { net: 100 })
State.save('prices', 'cake', { net: 250 })
Session.complete(work)

// A configuration: a mode, bounds, and what is to be other than it was.
const config = Replay.createConfig(Replay.modes.modified, { timeout: 10, stopOnError: true })
config.addModification('data.new_value.net', 500)
const off = Replay.createModification('data.key', 'coffee', false)
config.addModification(off)
console.log(
  `Mode ${config.getMode().name()}, ${config.getModifications().length} modifications, ` +
    `compares: ${config.shouldCompareResults()}, stops on errors: ${config.shouldStopOnError()}`,
)

for (const each of Replay.run(work, config).differences) {
  console.log(`  ${each.hook} ${each.path} ${each.description}`)
}

// Every step, with what went in and what came out.
for (const { input, output } of Replay.run(work, Replay.createConfig('debug')).metadata.steps) {
  console.log(`Step: ${input.data.key} ${input.data.new_value.net} became ${output.data.new_value.gross}`)
}

// The comparator takes any two values.
const comparator = Replay.createComparator()
const before = { title: 'Tea', sizes: ['small', 'large'], price: 3 }
const after = { title: 'Green tea', sizes: ['small', 'medium', 'large'], price: 3.0000000001 }
const found = comparator.compareJson(before, after)
console.log(found.summary)
for (const each of found.differences) {
  console.log(`  ${each.severity}: ${each.path} ${each.description}`)
}
console.log(`The same twice: ${comparator.compareJson(before, before).identical}`)

// Schedules: a script can wait for them, and `session replay` takes their text after --schedule.
for (const schedule of [Replay.schedules.once(5), Replay.schedules.interval(0, 60, 10), Replay.schedules.cron('30 6 * * 1-5')]) {
  console.log(`${schedule.typeName()}, as text ${schedule}, after noon: ${schedule.nextAfter('2026-11-27T12:00:00Z')}`)
}
const results = Replay.runScheduled(work, Replay.schedules.interval(0, 0.01, 3))
results.forEach((result, number) => {
  console.log(`Run ${number + 1}: ${result.successful_replays} well, identical: ${result.metadata.identical}`)
})
