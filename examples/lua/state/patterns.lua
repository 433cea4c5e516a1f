-- Patterns: small functions to copy. Configuration, preferences, sessions that expire, a cache, counters, claims.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/state/patterns.lua

-- The scopes that this example uses. It begins afresh, so that every run prints the same.
for _, scope in ipairs({"app", "user:carol", "user:dan", "session:4711", "session:4712", "cache", "stats", "jobs"}) do
  State.clear(scope)
end

-- 1. Configuration: every setting is a key of its own, and has its default in one place.
local DEFAULTS = {["retry.limit"] = 3, ["retry.pause"] = 1.5, greeting = "hello"}

local function config(name)
  return State.load("app", "config:" .. name, {default = DEFAULTS[name]})
end

State.save("app", "config:retry.limit", 5)
print("Configuration: limit " .. config("retry.limit") .. ", pause " .. config("retry.pause"))

-- 2. Preferences: a document for each user. `update` reads, changes and saves as one step, so that two scripts that
--    change different preferences at once both succeed.
local function prefer(user, name, value)
  State.update("user:" .. user, "preferences", function(preferences)
    preferences = preferences or {}
    preferences[name] = value
    return preferences
  end)
end

local function preference(user, name, default)
  local value = State.load("user:" .. user, "preferences", {default = {}})[name]
  if value == nil then return default end -- and not `value or default`: false is a value
  return value
end

prefer("carol", "theme", "dark")
prefer("carol", "sounds", false)
for _, user in ipairs({"carol", "dan"}) do
  local sounds = preference(user, "sounds", true) and "on" or "off"
  print("Preferences of " .. user .. ": " .. preference(user, "theme", "light") .. ", sounds " .. sounds)
end

-- 3. Sessions that expire: every visit starts the time anew.
local function visit(session, user, seconds)
  State.update("session:" .. session, "pages", function(pages) return (pages or 0) + 1 end)
  State.save("session:" .. session, "login", {user = user}, {ttl = seconds})
end

local function user_of(session)
  local login = State.load("session:" .. session, "login")
  return login and login.user or "nobody"
end

visit("4711", "carol", 1800)
visit("4711", "carol", 1800)
visit("4712", "dan", 0.05)
sleep(0.1)
print("Session 4711: " .. user_of("4711") .. ", " .. State.load("session:4711", "pages") .. " pages")
print("Session 4712: " .. user_of("4712") .. ", its time is over")

-- 4. A cache: compute once, then remember for a while.
local function cached(key, seconds, compute)
  local value = State.load("cache", key)
  if value == nil then
    value = compute()
    State.save("cache", key, value, {ttl = seconds})
  end
  return value
end

local computed = 0
local function rate()
  computed = computed + 1
  return 1.25
end

for _ = 1, 3 do cached("rate:eur-usd", 60, rate) end
print("Cache: " .. cached("rate:eur-usd", 60, rate) .. ", computed " .. computed .. " time")

-- 5. Counters: nothing is lost, however many scripts count at once. A day in the key makes a series.
State.increment("stats", "visits:2026-03-01")
State.increment("stats", "visits:2026-03-01")
State.increment("stats", "visits:2026-03-02", 40)
for _, pair in ipairs(State.list("stats", {prefix = "visits:"})) do
  print("Counter " .. pair.key .. ": " .. pair.value)
end

-- 6. Claims: `if_version = 0` saves only where nothing is, so that of several workers one gets the job. The ttl gives
--    it back when that worker dies.
local function claim(job, worker)
  local ok, problem = pcall(State.save, "jobs", job, worker, {ttl = 60, if_version = 0})
  if not ok and problem.code ~= "conflict" then error(problem) end
  return ok
end

for _, worker in ipairs({"worker 1", "worker 2"}) do
  print("Claim: " .. worker .. (claim("report", worker) and " got the job" or " was too late"))
end
