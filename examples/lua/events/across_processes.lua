-- Events across processes: what one process saves, another one hears of and turns into events of its own.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/events/across_processes.lua
--
-- Without a word this process is both. In two terminals, first the one that watches, then the one that orders:
--   llmspell -c configs/state-enabled.toml run examples/lua/events/across_processes.lua watch
--   llmspell -c configs/state-enabled.toml run examples/lua/events/across_processes.lua order

local SHOP, WATCH, ITEMS = "corner-shop", "corner-shop-watch", {"tea", "milk", "bread"}
local role = args[1] or "both"

-- Events themselves stay in their process; the state is what processes share, and its journal is the feed.
local function order()
  for _, item in ipairs(ITEMS) do
    State.save(SHOP, "order:" .. item, {item = item})
    print("Ordered " .. item)
  end
end

local function watch()
  Event.subscribe("order.saved", function(event)
    print("Shipping " .. event.data.item)
  end)
  local seen = 0
  while seen < #ITEMS do
    -- The cursor is in the state too, so that the next run goes on where this one stopped and misses nothing.
    local since = State.load(WATCH, "cursor", {default = 0})
    local feed = State.changes({since = since, scope = SHOP, prefix = "order:", timeout = 30})
    if #feed.changes == 0 then
      print("Nobody orders anything")
      return
    end
    for _, change in ipairs(feed.changes) do
      -- The correlation goes along: the timeline of the order reaches from one process into the other.
      local order = State.load(SHOP, change.key, {at = change.version})
      Event.publish("order.saved", order, {correlation_id = change.correlation_id})
      seen = seen + 1
    end
    State.save(WATCH, "cursor", feed.next)
  end
  sleep(0) -- the handlers run
end

if role ~= "watch" then order() end
if role ~= "order" then watch() end
