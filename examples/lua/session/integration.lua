-- One session through State, Event and Hook: a hook that guards the state, events of the work, one correlation for all.
--
-- Config: configs/session-enabled.toml
-- Run:    llmspell -c configs/session-enabled.toml run examples/lua/session/integration.lua

local order = Session.create({name = "order 17", tags = {"example"}})
local scope = "session:" .. order
local told = Event.subscribe("order.*")
Session.set_current(order)

-- A hook has its say before every change of the order.
Hook.register("BeforeStateWrite", function(context)
  local new = context.data.new_value
  if type(new) == "table" and new.amount and new.amount < 0 then return "an amount cannot be negative" end
end, {name = "amounts", scope = scope})

-- Several changes that belong together are one commit, and so are their entries in the timeline.
State.transaction(function()
  State.save(scope, "item", {name = "tea", amount = 3})
  State.save("stock", "tea", 97)
end)
Event.publish("order.placed", {items = 1})
Session.save(order, {label = "placed"})

local ok, problem = pcall(State.save, scope, "item", {name = "tea", amount = -3})
print("A bad amount: " .. problem.code)

local event = Event.receive(told, 1000)
print("Told: " .. event.event_type)

-- Everything that happened carries the correlation of the session.
local correlation = Session.get(order).correlation_id
print("The event is of this session: " .. tostring(event.correlation_id == correlation))
print("The change is of this session: " .. tostring(State.history("stock", "tea", {limit = 1})[1].correlation_id == correlation))

local counts = {}
for _, entry in ipairs(Session.timeline(order)) do
  counts[entry.kind] = (counts[entry.kind] or 0) + 1
end
for _, kind in ipairs({"state.saved", "checkpoint.saved", "event.published", "hook.executed"}) do
  print(kind .. ": " .. (counts[kind] or 0))
end
print("Recorded for replay: " .. tostring(Session.can_replay(order)))

Session.complete(order)
print("Current after it has ended: " .. tostring(Session.get_current() ~= nil))
Session.delete(order)
