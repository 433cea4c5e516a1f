-- Time to live: values that disappear by themselves, exactly when their time is over.
--
-- An expired value is absent from every read, count and list from that moment on, whether or not it was swept from the
-- disk yet.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/state/cache_ttl.lua

local CACHE, LIMITS = "web-cache", "rate-limits"

State.clear(CACHE) -- begin afresh
State.clear(LIMITS)

-- A cache in front of something slow: `ttl` is in seconds, fractions count.
local function fetch(page, ttl)
  if State.exists(CACHE, page) then
    print(page .. ": from the cache")
  else
    print(page .. ": fetched")
    State.save(CACHE, page, "the text of " .. page, {ttl = ttl})
  end
end

fetch("news", 60)
fetch("news", 60)
fetch("weather", 0.05)
sleep(0.1)
fetch("weather", 0.05)

-- Gone is gone, however one looks.
State.save(CACHE, "timetable", "8:15, 9:15", {ttl = 0.05})
sleep(0.1)
print("timetable: load gives " .. (State.load(CACHE, "timetable") or "nothing"))
print("timetable: exists gives " .. tostring(State.exists(CACHE, "timetable")))
print("timetable: entry gives " .. (State.entry(CACHE, "timetable") or "nothing"))
print("All keys: " .. table.concat(State.list_keys(CACHE), ", ") .. "; count: " .. State.count(CACHE))

-- Each save says anew how long the value lives. Without a ttl it stays.
local function lifetime(key)
  return State.entry(CACHE, key).expires_at and "it will expire" or "it stays"
end
print("news: " .. lifetime("news"))
State.save(CACHE, "news", "the war is over")
print("news, saved without a ttl: " .. lifetime("news"))

-- A rate limit: the first attempt opens the window, `increment` keeps its end.
local function is_allowed(client, limit, window)
  return State.transaction(function()
    if not State.exists(LIMITS, client) then
      State.save(LIMITS, client, 0, {ttl = window})
    end
    return State.increment(LIMITS, client) <= limit
  end)
end

for attempt = 1, 3 do
  print("ann, attempt " .. attempt .. ": " .. (is_allowed("ann", 2, 60) and "allowed" or "too many"))
end
for attempt = 1, 3 do
  print("ben, attempt " .. attempt .. ": " .. (is_allowed("ben", 1, 0.05) and "allowed" or "too many"))
  sleep(0.1) -- Ben waits until his window is over
end

-- A ttl of nothing is a mistake: it would save what nobody can ever read.
local ok, problem = pcall(State.save, CACHE, "flash", "!", {ttl = 0})
if not ok then print(problem) end
