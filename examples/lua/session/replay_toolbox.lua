-- The toolbox of replays: configurations with modifications, the modes, a comparator of any two values, and schedules
-- that replay again and again.
--
-- Config: configs/session-enabled.toml
-- Run:    llmspell -c configs/session-enabled.toml run examples/lua/session/replay_toolbox.lua

-- Something to replay: a hook that was asked while a session was current.
local work = Session.create({name = "prices"})
Session.set_current(work)
Hook.register("BeforeStateWrite", function(context)
  local price = context.data.new_value
  return {type = "modified", data = {new_value = {net = price.net, gross = price.net * 12 // 10}}}
end, {name = "tax", scope = "prices"})
State.save("prices", "tea", {net = 100})
State.save("prices", "cake", {net = 250})
Session.complete(work)

-- A configuration: a mode, bounds, and what is to be other than it was.
local config = Replay.create_config(Replay.modes.modified, {timeout = 10, stop_on_error = true})
config:add_modification("data.new_value.net", 500)
local off = Replay.create_modification("data.key", "coffee", false)
config:add_modification(off)
print("Mode " .. config:get_mode():name() .. ", " .. #config:get_modifications() .. " modifications, compares: "
  .. tostring(config:should_compare_results()) .. ", stops on errors: " .. tostring(config:should_stop_on_error()))

for _, each in ipairs(Replay.run(work, config).differences) do
  print("  " .. each.hook .. " " .. each.path .. " " .. each.description)
end

-- Every step, with what went in and what came out.
for _, step in ipairs(Replay.run(work, Replay.create_config("debug")).metadata.steps) do
  print("Step: " .. step.input.data.key .. " " .. step.input.data.new_value.net .. " became " .. step.output.data.new_value.gross)
end

-- The comparator takes any two values.
local comparator = Replay.create_comparator()
local before = {title = "Tea", sizes = {"small", "large"}, price = 3}
local after = {title = "Green tea", sizes = {"small", "medium", "large"}, price = 3.0}
local found = comparator:compare_json(before, after)
print(found.summary)
for _, each in ipairs(found.differences) do
  print("  " .. each.severity .. ": " .. each.path .. " " .. each.description)
end
print("The same twice: " .. tostring(comparator:compare_json(before, before).identical))

-- Schedules: a script can wait for them, and `session replay` takes their text after --schedule.
for _, schedule in ipairs({Replay.schedules.once(5), Replay.schedules.interval(0, 60, 10), Replay.schedules.cron("30 6 * * 1-5")}) do
  print(schedule:type_name() .. ", as text " .. tostring(schedule) .. ", after noon: " .. schedule:next_after("2026-11-27T12:00:00Z"))
end
local results = Replay.run_scheduled(work, Replay.schedules.interval(0, 0.01, 3))
for number, result in ipairs(results) do
  print("Run " .. number .. ": " .. result.successful_replays .. " well, identical: " .. tostring(result.metadata.identical))
end
