// config: runtime.sessions.enabled = true
// config: runtime.sessions.max_sessions = 3
// stores: lmdb
const attempt = (act) => {
  try { act(); print(true) } catch (problem) {
    print(`${problem.code}: ${problem.call}: ${problem.message}`.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'X'))
  }
}
const id = Session.create({name: 'one', maxOperations: 2})
attempt(() => Session.get('nobody'))
// expect: not_found: Session.get: there is no session 'nobody'
attempt(() => Session.create({names: 'x'}))
// expect: bad_argument: Session.create: unknown option 'names'; the options are name, description, tags, metadata, parent_session_id, max_duration, max_idle_time, max_artifacts, max_artifact_bytes, max_operations, max_rate, created_by
attempt(() => Session.list({status: 'odd'}))
// expect: bad_argument: Session.list: the option 'status' must be one of active, suspended, completed, failed, archived, all, got 'odd'
attempt(() => Session.timeline(id, {kinds: ['odd']}))
// expect: bad_argument: Session.timeline: there is no timeline kind 'odd'
attempt(() => Session.load(id, {checkpoint: 'none'}))
// expect: not_found: Session.load: the session X has no checkpoint 'none'
Session.setCurrent(id)
State.save('s', 'a', 1)
State.save('s', 'b', 1)
let code
try { State.save('s', 'c', 1) } catch (problem) { code = problem.code }
print(`${code}\t${State.exists('s', 'c')}`)
// expect: limit_exceeded	false
Session.create({})
Session.create()
try { Session.create() } catch (problem) { print(problem.message) }
// expect: there are 3 active or suspended sessions already
Session.set_current(null)
print(Session.get_current() === null)
// expect: true
