-- Publish, receive, the shape of an event, and nothing when there is nothing.
local orders = Event.subscribe("order.*")
print(Event.publish("order.created", {id = 7, items = {"tea"}}, {tags = {"shop"}, source = "web"}))
Event.publish("user.created", {})
local event = Event.receive(orders, 100)
print(event.event_type .. " " .. event.data.id .. " " .. event.data.items[1] .. " " .. event.sequence)
print(event.language == "lua")
print(event.metadata.tags[1] .. " " .. event.metadata.source .. " " .. #event.id .. " " .. #event.correlation_id .. " " .. event.timestamp:sub(-1))
print(Event.receive(orders, 0) == nil)
print(Event.unsubscribe(orders))
print(Event.unsubscribe(orders))
local ok, e = pcall(Event.receive, orders)
print(e.code)
print(#Event.list_subscriptions())
-- expect: true
-- expect: order.created 7 tea 1
-- expect: true
-- expect: shop web 36 36 Z
-- expect: true
-- expect: true
-- expect: false
-- expect: not_found
-- expect: 0
