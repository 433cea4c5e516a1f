-- Correlations: everything that one request leads to carries its id, through events, handlers, hooks and the state.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/events/correlation.lua

-- Each step knows only the event before it. A handler runs under the correlation of its event, and so does what it causes.
Event.subscribe("request.received", function(event)
  State.save("requests", event.data.id, {status = "accepted"})
  Event.publish("work.begun", {id = event.data.id})
end)
Event.subscribe("work.begun", function(event)
  State.update("requests", event.data.id, function(request)
    request.status = "done"
    return request
  end)
  Event.publish("work.ended", {id = event.data.id})
end)

-- The id is the caller's, for example that of a request; without one, an event carries that of the script's run. This one
-- is new in every run, so that the timeline below is that of this run.
local runs = State.increment("requests", "runs")
local FIRST, SECOND = "request-a" .. runs, "request-b" .. runs
Event.publish("request.received", {id = "a"}, {correlation_id = FIRST})
Event.publish("request.received", {id = "b"}, {correlation_id = SECOND})
sleep(0.01) -- the handlers run

-- The timeline puts together, in order, what happened under one id: events, changes of the state, runs of hooks.
for _, entry in ipairs(Event.timeline(SECOND)) do
  print(entry.kind .. " " .. (entry.event_type or entry.scope .. "/" .. entry.key))
end

-- The changes are in the journal for good, so that another process, or another day, finds them by the id as well:
--   llmspell state changes --correlation ID
for _, change in ipairs(State.changes({correlation_id = FIRST}).changes) do
  print("Request a: " .. change.op .. " " .. change.key)
end
