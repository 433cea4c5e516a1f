-- Bounded queues, statistics, and a flood.
-- config: runtime.events.buffer_size = 3
-- config: runtime.events.max_per_second = 8
local all = Event.subscribe("*")
Event.subscribe("other", function() end)
for i = 1, 5 do Event.publish("a", {i = i}) end
print(Event.receive(all, 0).data.i)
local stats = Event.get_stats()
local bus = stats.event_bus_stats
print(bus.published .. " " .. bus.delivered .. " " .. bus.dropped .. " " .. bus.events_processed .. " " .. bus.buffer_size)
print(stats.bridge_stats.active_subscriptions .. " " .. stats.bridge_stats.subscriptions_by_language.lua)
local ok, e = pcall(function() for i = 1, 20 do Event.publish("a") end end)
print(e.code)
print(Event.get_stats().event_bus_stats.rate_limit_violations)
-- expect: 3
-- expect: 5 5 2 1 3
-- expect: 2 2
-- expect: limit_exceeded
-- expect: 1
