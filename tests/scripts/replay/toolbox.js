// config: runtime.sessions.enabled = true
const show = (...values) => print(values.join('\t'))
const config = Replay.create_config(Replay.modes.modified, { timeout: 5, stop_on_error: true })
show(config.get_mode().name(), config.getMode() === Replay.modes.modified, String(Replay.modes.debug))
show(config.should_compare_results(), config.get_timeout_seconds(), config.should_stop_on_error())
show(Replay.createConfig('simulate').shouldCompareResults(), Replay.create_config().get_mode().name())
const change = Replay.create_modification('data.new_value', [1, 2], false)
show(change.get_path(), change.get_value().length, change.is_enabled())
config.add_modification('context.data.key', 'other')
config.addModification(change)
change.set_enabled(true)
for (const each of config.get_modifications()) show(each.path, each.enabled)

const comparator = Replay.create_comparator()
show(comparator.compare_json({ a: [1, 2] }, { a: [1, 2] }).summary)
const found = comparator.compareJson({ a: [1, 2], b: 'x' }, { a: [1, 5], b: 'x' })
show(found.identical, found.summary, found.differences[0].path.replace('1', '2'), found.differences[0].severity)
show(comparator.compare_json(null, 1).differences[0].description)

show(Replay.schedules.once(5).type_name(), Replay.schedules.interval(1, 60, 3).type_name(), Replay.schedules.cron('*/5 * * * *').type_name())
show(String(Replay.schedules.interval(1, 60, 3)), Replay.schedules.cron('0 12 * * *').next_after('2026-11-24T13:00:00Z'))

const id = Session.create({})
Session.set_current(id)
Hook.register('BeforeStateWrite', (context) => context.data.new_value === 'no' ? 'refused' : null, { name: 'guard' })
State.save('s', 'k', 'yes')
Session.set_current(null)
const refused = Replay.create_config('modified')
refused.add_modification('data.new_value', 'no')
show(Replay.run(id, refused).differences[0].description, Replay.run(id).metadata.mode)
show(Replay.run_scheduled(id, Replay.schedules.interval(0, 0.01, 3), refused).length, Replay.runScheduled(id, Replay.schedules.once()).length)
for (const wrong of [
  () => Replay.run(id, { mode: 'exact' }),
  () => Replay.create_config('fast'),
  () => config.add_modification('point', 1),
  () => Replay.schedules.cron('61 * * * *'),
  () => Replay.run_scheduled(id, Replay.schedules.cron('* * * * *')),
  () => Replay.run('nobody'),
]) {
  try {
    wrong()
  } catch (problem) {
    show(problem.code, String(problem).replace('an object', 'a table'))
  }
}
// expect: modified	true	debug
// expect: true	5	true
// expect: false	exact
// expect: data.new_value	2	false
// expect: context.data.key	true
// expect: data.new_value	true
// expect: identical
// expect: false	1 difference (1 major), 67% similar	$.a[2]	major
// expect: was nothing, is an integer
// expect: once	interval	cron
// expect: interval:1,60,3	2026-11-25T12:00:00.000000Z
// expect: was nothing, is text	exact
// expect: 3	1
// expect: bad_argument	Replay.run: config (argument 2) must be a ReplayConfig, got a table
// expect: bad_argument	Replay.create_config: mode (argument 1) must be one of exact, modified, simulate, debug, got 'fast'
// expect: bad_argument	ReplayConfig.add_modification: 'point' leads to nothing that can be modified
// expect: bad_argument	Replay.schedules.cron: '61 * * * *' is no cron expression: Bad minute
// expect: bad_argument	Replay.run_scheduled: this schedule has no end
// expect: not_found	Replay.run: there is no session 'nobody'
