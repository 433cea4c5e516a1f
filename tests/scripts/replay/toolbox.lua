-- config: runtime.sessions.enabled = true
local config = Replay.create_config(Replay.modes.modified, {timeout = 5, stop_on_error = true})
print(config:get_mode():name(), config:get_mode() == Replay.modes.modified, tostring(Replay.modes.debug))
print(config:should_compare_results(), config:get_timeout_seconds(), config:should_stop_on_error())
print(Replay.createConfig("simulate"):shouldCompareResults(), Replay.create_config():get_mode():name())
local change = Replay.create_modification("data.new_value", {1, 2}, false)
print(change:get_path(), #change:get_value(), change:is_enabled())
config:add_modification("context.data.key", "other")
config:addModification(change)
change:set_enabled(true)
for _, each in ipairs(config:get_modifications()) do print(each.path, each.enabled) end

local comparator = Replay.create_comparator()
print(comparator:compare_json({a = {1, 2}}, {a = {1, 2}}).summary)
local found = comparator:compareJson({a = {1, 2}, b = "x"}, {a = {1, 5}, b = "x"})
print(found.identical, found.summary, found.differences[1].path, found.differences[1].severity)
print(comparator:compare_json(nil, 1).differences[1].description)

print(Replay.schedules.once(5):type_name(), Replay.schedules.interval(1, 60, 3):type_name(), Replay.schedules.cron("*/5 * * * *"):type_name())
print(tostring(Replay.schedules.interval(1, 60, 3)), Replay.schedules.cron("0 12 * * *"):next_after("2026-11-24T13:00:00Z"))

local id = Session.create({})
Session.set_current(id)
Hook.register("BeforeStateWrite", function(context) return context.data.new_value == "no" and "refused" or nil end, {name = "guard"})
State.save("s", "k", "yes")
Session.set_current(nil)
local refused = Replay.create_config("modified")
refused:add_modification("data.new_value", "no")
print(Replay.run(id, refused).differences[1].description, Replay.run(id).metadata.mode)
print(#Replay.run_scheduled(id, Replay.schedules.interval(0, 0.01, 3), refused), #Replay.runScheduled(id, Replay.schedules.once()))
for _, wrong in ipairs({
  function() Replay.run(id, {mode = "exact"}) end,
  function() Replay.create_config("fast") end,
  function() config:add_modification("point", 1) end,
  function() Replay.schedules.cron("61 * * * *") end,
  function() Replay.run_scheduled(id, Replay.schedules.cron("* * * * *")) end,
  function() Replay.run("nobody") end,
}) do
  local _, problem = pcall(wrong)
  print(problem.code, problem)
end
-- expect: modified	true	debug
-- expect: true	5	true
-- expect: false	exact
-- expect: data.new_value	2	false
-- expect: context.data.key	true
-- expect: data.new_value	true
-- expect: identical
-- expect: false	1 difference (1 major), 67% similar	$.a[2]	major
-- expect: was nothing, is an integer
-- expect: once	interval	cron
-- expect: interval:1,60,3	2026-11-25T12:00:00.000000Z
-- expect: was nothing, is text	exact
-- expect: 3	1
-- expect: bad_argument	Replay.run: config (argument 2) must be a ReplayConfig, got a table
-- expect: bad_argument	Replay.create_config: mode (argument 1) must be one of exact, modified, simulate, debug, got 'fast'
-- expect: bad_argument	ReplayConfig.add_modification: 'point' leads to nothing that can be modified
-- expect: bad_argument	Replay.schedules.cron: '61 * * * *' is no cron expression: Bad minute
-- expect: bad_argument	Replay.run_scheduled: this schedule has no end
-- expect: not_found	Replay.run: there is no session 'nobody'
