-- config: runtime.sessions.enabled = true
-- stores: lmdb
local id = Session.create({name = "work"})
print(Session.can_replay(id), #Session.listReplayable())
Session.set_current(id)
local factor = 2
local hook = Hook.register("BeforeStateWrite", function(context)
  State.increment("counts", "hook runs")
  return {type = "modified", data = {new_value = {n = context.data.new_value.n * factor}}}
end, {name = "scale", scope = "numbers"})
State.save("numbers", "a", {n = 1})
State.save("numbers", "b", {n = 10})
Session.set_current(nil)
local found = Session.get_replay_metadata(id)
print(Session.can_replay(id), Session.list_replayable()[1] == id, found.total_hooks, found.can_replay)

local same = Session.replay(id)
print(same.hooks_replayed, same.successful_replays, same.failed_replays, #same.differences, same.metadata.identical)
factor = 3
local other = Session.replay(id, {mode = Replay.modes.exact, stopOnError = true})
for _, each in ipairs(other.differences) do print(each.hook, each.path, each.description, each.severity) end
print(Session.replay(id, {mode = "modified", modifications = {["data.new_value.n"] = 100}}).differences[1].description)
print(Session.replay(id, {mode = "simulate", modifications = {Replay.create_modification("context.data.new_value.n", 7)}}).metadata.modified)
local step = Session.replay(id, {mode = "debug", from = found.first_hook_timestamp, to = found.first_hook_timestamp}).metadata.steps[1]
print(step.input.data.new_value.n, step.recorded_output.data.new_value.n, step.output.data.new_value.n)

hook:unregister()
local gone = Session.replay(id, {hook_filter = "sca*"})
print(gone.successful_replays, gone.failed_replays, gone.differences[1].description)
print(Session.replay(id, {hook_filter = "nobody"}).hooks_replayed)
print(State.load("counts", "hook runs"), State.load("numbers", "a").n, #Session.timeline(id, {kinds = {"hook.executed"}}))
-- expect: false	0
-- expect: true	true	2	true
-- expect: 2	2	0	0	true
-- expect: scale	$.data.new_value.n	was 2, is 3	major
-- expect: scale	$.data.new_value.n	was 20, is 30	major
-- expect: was 2, is 300
-- expect: 2
-- expect: 1	2	3
-- expect: 0	2	no hook waits at BeforeStateWrite any more
-- expect: 0
-- expect: 2	2	2
