-- A handler that raises is a warning and counted; the publisher and other handlers never notice.
Event.subscribe("a", function() error("boom") end)
Event.subscribe("a", function(event) print("second " .. event.sequence) end)
Event.publish("a", {})
Event.publish("a", {})
sleep(0)
print(Event.get_stats().event_bus_stats.handler_failures)
-- expect: second 1
-- expect: second 2
-- expect: 2
-- expect stderr: boom
