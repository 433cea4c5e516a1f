// config: runtime.sessions.enabled = true
// stores: lmdb
const show = (...values) => print(values.join('\t'))
const id = Session.create({ name: 'work' })
show(Session.can_replay(id), Session.listReplayable().length)
Session.set_current(id)
let factor = 2
const hook = Hook.register('BeforeStateWrite', (context) => {
  State.increment('counts', 'hook runs')
  return { type: 'modified', data: { new_value: { n: context.data.new_value.n * factor } } }
}, { name: 'scale', scope: 'numbers' })
State.save('numbers', 'a', { n: 1 })
State.save('numbers', 'b', { n: 10 })
Session.set_current(null)
const found = Session.get_replay_metadata(id)
show(Session.canReplay(id), Session.list_replayable()[0] === id, found.total_hooks, found.can_replay)

const same = Session.replay(id)
show(same.hooks_replayed, same.successful_replays, same.failed_replays, same.differences.length, same.metadata.identical)
factor = 3
const other = Session.replay(id, { mode: Replay.modes.exact, stopOnError: true })
for (const each of other.differences) show(each.hook, each.path, each.description, each.severity)
show(Session.replay(id, { mode: 'modified', modifications: { 'data.new_value.n': 100 } }).differences[0].description)
show(Session.replay(id, { mode: 'simulate', modifications: [Replay.create_modification('context.data.new_value.n', 7)] }).metadata.modified)
const [step] = Session.replay(id, { mode: 'debug', from: found.first_hook_timestamp, to: found.first_hook_timestamp }).metadata.steps
show(step.input.data.new_value.n, step.recorded_output.data.new_value.n, step.output.data.new_value.n)

hook.unregister()
const gone = Session.replay(id, { hook_filter: 'sca*' })
show(gone.successful_replays, gone.failed_replays, gone.differences[0].description)
show(Session.replay(id, { hook_filter: 'nobody' }).hooks_replayed)
show(State.load('counts', 'hook runs'), State.load('numbers', 'a').n, Session.timeline(id, { kinds: ['hook.executed'] }).length)
// expect: false	0
// expect: true	true	2	true
// expect: 2	2	0	0	true
// expect: scale	$.data.new_value.n	was 2, is 3	major
// expect: scale	$.data.new_value.n	was 20, is 30	major
// expect: was 2, is 300
// expect: 2
// expect: 1	2	3
// expect: 0	2	no hook waits at BeforeStateWrite any more
// expect: 0
// expect: 2	2	2
