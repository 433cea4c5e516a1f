-- Handlers run at the next call, while the script sleeps, and at its end; never inside a transaction or another handler.
Event.subscribe("a.*", function(event)
  print("in " .. event.event_type)
  if event.event_type == "a.one" then
    Event.publish("a.two", {})
    State.exists("app", "x")
  end
  print("out " .. event.event_type)
end)
Event.publish("a.one", {})
print("published")
State.exists("app", "x")
print("called")
sleep(0)
State.transaction(function()
  Event.publish("a.three", {})
  State.exists("app", "x")
  print("inside")
end)
print("after")
sleep(0)
Event.publish("a.last", {})
print("end")
-- expect: published
-- expect: in a.one
-- expect: out a.one
-- expect: called
-- expect: in a.two
-- expect: out a.two
-- expect: inside
-- expect: after
-- expect: in a.three
-- expect: out a.three
-- expect: end
-- expect: in a.last
-- expect: out a.last
