-- The runtime publishes state.changed, once for each key, without values.
-- stores: lmdb
State.save("app", "before", 1)
local changes = Event.subscribe("state.*")
State.save("app", "a", {secret = "x"})
State.delete("app", "a")
State.transaction(function()
  State.save("app", "b", 1)
  State.save("app", "c", 2)
end)
local function next_change()
  local event = Event.receive(changes, 0)
  if not event then return "none" end
  local names = {}
  for name in pairs(event.data) do names[#names + 1] = name end
  table.sort(names)
  return event.event_type .. " " .. event.data.op .. " " .. event.data.scope .. "/" .. event.data.key .. " " .. event.language .. " " .. table.concat(names, ",")
end
for i = 1, 5 do print(next_change()) end
Event.unsubscribe(changes)
State.save("app", "d", 1)
print(Event.get_stats().event_bus_stats.published)
-- expect: state.changed save app/a runtime key,op,scope,version
-- expect: state.changed delete app/a runtime key,op,scope,version
-- expect: state.changed save app/b runtime key,op,scope,version
-- expect: state.changed save app/c runtime key,op,scope,version
-- expect: none
-- expect: 4
