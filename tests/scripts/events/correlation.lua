-- A handler runs under the correlation of its event, so what it saves and publishes carries it; the timeline has it all.
Event.subscribe("order.*", function(event)
  State.save("orders", event.data.id, {seen = true})
  Event.publish("mail.sent", event.data)
end)
Event.publish("order.created", {id = "a"}, {correlation_id = "request-7"})
State.save("orders", "unrelated", 1)
sleep(0)
local kinds = {}
for _, entry in ipairs(Event.timeline("request-7")) do
  kinds[#kinds + 1] = entry.kind .. " " .. (entry.event_type or entry.key) .. " " .. entry.correlation_id
end
print(table.concat(kinds, "; "))
print(State.history("orders", "a")[1].correlation_id)
local changed = State.changes({correlation_id = "request-7"}).changes
print(#changed .. " " .. changed[1].key)
local first = Event.timeline("request-7", {limit = 1})
print(#first .. " " .. #Event.timeline("request-7", {since = first[1].at}))
print(#Event.timeline("nobody"))
local own = Event.subscribe("x")
Event.publish("x", {})
print(Event.receive(own, 0).correlation_id == State.history("orders", "unrelated")[1].correlation_id)
-- expect: event.published order.created request-7; state.saved a request-7; event.published mail.sent request-7
-- expect: request-7
-- expect: 1 a
-- expect: 1 2
-- expect: 0
-- expect: true
