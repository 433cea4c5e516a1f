-- config: runtime.sessions.enabled = true
-- config: runtime.sessions.max_sessions = 3
-- stores: lmdb
local function try(...)
  local ok, problem = pcall(...)
  print(ok or problem.code .. ": " .. tostring(problem):gsub("%x+%-%x+%-%x+%-%x+%-%x+", "X"))
end
local id = Session.create{name = "one", maxOperations = 2}
try(Session.get, "nobody")
-- expect: not_found: Session.get: there is no session 'nobody'
try(Session.create, {names = "x"})
-- expect: bad_argument: Session.create: unknown option 'names'; the options are name, description, tags, metadata, parent_session_id, max_duration, max_idle_time, max_artifacts, max_artifact_bytes, max_operations, max_rate, created_by
try(Session.list, {status = "odd"})
-- expect: bad_argument: Session.list: the option 'status' must be one of active, suspended, completed, failed, archived, all, got 'odd'
try(Session.timeline, id, {kinds = {"odd"}})
-- expect: bad_argument: Session.timeline: there is no timeline kind 'odd'
try(Session.load, id, {checkpoint = "none"})
-- expect: not_found: Session.load: the session X has no checkpoint 'none'
Session.setCurrent(id)
State.save("s", "a", 1)
State.save("s", "b", 1)
local ok, problem = pcall(State.save, "s", "c", 1)
print(problem.code, State.exists("s", "c"))
-- expect: limit_exceeded	false
Session.create{}
Session.create{}
print(select(2, pcall(Session.create, {})).message)
-- expect: there are 3 active or suspended sessions already
Session.set_current(nil)
print(Session.get_current() == nil)
-- expect: true
