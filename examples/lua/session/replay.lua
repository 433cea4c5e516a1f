-- Recovery and replay: a job in steps with checkpoints, a failure, going back to before it, a fork that tries something
-- else, and the hooks that were recorded on the way, run again to see what a new rule would have said.
--
-- Config: configs/session-enabled.toml
-- Run:    llmspell -c configs/session-enabled.toml run examples/lua/session/replay.lua

local job = Session.create({name = "import of orders", tags = {"example"}})
local scope = "session:" .. job
Session.set_current(job)

-- A rule that is asked before every save of an order. Its answers are recorded with the session.
local largest = 500
Hook.register("BeforeStateWrite", function(context)
  local order = context.data.new_value
  if order.amount > largest then
    return {type = "modified", data = {new_value = {amount = order.amount, needs_approval = true}}}
  end
end, {name = "approval", scope = scope, key = "order:*"})

-- The steps. After each one that went well there is a checkpoint.
State.save(scope, "order:1", {amount = 120})
State.save(scope, "order:2", {amount = 950})
Session.save(job, {label = "orders read"})

local function charge(key)
  local order = State.load(scope, key)
  if order.needs_approval then
    error(key .. " waits for approval", 0)
  end
  State.save(scope, "charged", key)
end

local function run_job()
  State.save(scope, "step", "charging")
  charge("order:1")
  charge("order:2")
  State.save(scope, "step", "done")
end

local ok, reason = pcall(run_job)
if not ok then
  Session.fail(job, reason)
end
print("The job is " .. Session.get(job).status .. ": " .. Session.get(job).failure_reason)
print("Left behind: step " .. State.load(scope, "step") .. ", charged " .. State.load(scope, "charged"))

-- Back to the checkpoint: the values, and the session itself, are as they were. The timeline goes on.
Session.load(job, {checkpoint = "orders read"})
Session.set_current(job)
print("Back at the checkpoint: " .. Session.get(job).status .. ", step " .. tostring(State.load(scope, "step")))

-- A fork starts from the same checkpoint and leaves the job alone.
local trial = Session.fork(job, {checkpoint = "orders read", name = "without order 2"})
State.delete("session:" .. trial, "order:2")
print("In the fork: " .. table.concat(State.list_keys("session:" .. trial), ", "))
Session.complete(trial)

-- Somebody approves, and the job is finished.
State.save(scope, "order:2", {amount = 450})
run_job()
Session.complete(job)
print("The job is " .. Session.get(job).status .. ", step " .. State.load(scope, "step"))

local kinds = {}
for _, entry in ipairs(Session.timeline(job, {kinds = {"checkpoint.saved", "session.failed", "checkpoint.loaded", "session.completed"}})) do
  table.insert(kinds, entry.kind)
end
print("What happened: " .. table.concat(kinds, ", "))

-- Replay: the recorded hooks again. With the same rule they say the same.
local recorded = Session.get_replay_metadata(job)
local same = Session.replay(job)
print("Recorded " .. recorded.total_hooks .. ", replayed " .. same.hooks_replayed .. ", differences " .. #same.differences)

-- What would a stricter rule have said? Nothing is changed by asking.
largest = 400
local stricter = Session.replay(job)
for _, each in ipairs(stricter.differences) do
  print("With a limit of 400: " .. each.path .. " " .. each.description)
end
print("Order 2 is still " .. State.load(scope, "order:2").amount)

-- And what would the rule say about other amounts?
local changed = Session.replay(job, {mode = "modified", modifications = {["data.new_value.amount"] = 10}})
for _, each in ipairs(changed.differences) do
  print("For small orders: " .. each.path .. " " .. each.description)
end
