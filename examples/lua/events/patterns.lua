-- Patterns: a subscription names event types with `*`, which stands for one or more characters at any place.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/events/patterns.lua

local PATTERNS = {
  "user.created", -- this type alone
  "user.*",       -- everything about users
  "*.created",    -- everything that begins
  "shop.*.paid",  -- in the middle too
  "*err*",        -- a part of the name, with something on both sides
  "*",            -- all there is
}
local TYPES = {"user.created", "user.profile.changed", "order.created", "shop.42.paid", "shop.paid", "disk.error.full", "error"}

local subscriptions = {}
for i, pattern in ipairs(PATTERNS) do subscriptions[i] = Event.subscribe(pattern) end
for _, type in ipairs(TYPES) do Event.publish(type) end

for i, pattern in ipairs(PATTERNS) do
  local got = {}
  while true do
    local event = Event.receive(subscriptions[i], 0)
    if not event then break end
    got[#got + 1] = event.event_type
  end
  print(pattern .. ": " .. table.concat(got, ", "))
end

-- An exact type may not hold a star: only patterns do.
local ok, problem = pcall(Event.publish, "user.*")
print(ok or problem.code)
