-- History: every change is kept. Look at the revisions of a value, take an old one back, and follow what changes.
--
-- Config: configs/state-enabled.toml ([state.journal] keep_days says how far back the history goes, 30 by default)
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/state/history.lua

local WIKI, INDEX = "wiki", "search-index"

-- The feed of changes: what happened in the wiki since we last asked. The cursor is in the state too, so that the next
-- run goes on where this one stopped.
local function catch_up()
  local feed = State.changes({since = State.load(INDEX, "cursor", {default = 0}), scope = WIKI})
  State.save(INDEX, "cursor", feed.next)
  return feed.changes
end

State.clear(WIKI)
catch_up() -- what earlier runs did is no news

State.save(WIKI, "home", "Welcome.")
State.save(WIKI, "home", "Welcome to our garden.")
State.save(WIKI, "home", "asdfghjkl")

-- The revisions of one value, the newest first.
local revisions = State.history(WIKI, "home", {limit = 3})
for number, revision in ipairs(revisions) do
  print("Revision " .. number .. ": " .. revision.op .. " " .. revision.value)
end

-- The value as it was at a version, or at a time.
local good = revisions[2]
print("At that version: " .. State.load(WIKI, "home", {at = good.version}))
print("At that time:    " .. State.load(WIKI, "home", {at = good.at}))

-- Taking it back is saving it again: nothing that happened is lost.
State.save(WIKI, "home", good.value)
print("Home says: " .. State.load(WIKI, "home"))

-- What was deleted can still be looked up.
State.save(WIKI, "recipe", "Apple cake")
local written = State.entry(WIKI, "recipe").version
State.delete(WIKI, "recipe")
print("The recipe exists: " .. tostring(State.exists(WIKI, "recipe")))
print("The recipe was: " .. State.load(WIKI, "recipe", {at = written}))
for _, revision in ipairs(State.history(WIKI, "recipe", {since = written - 1})) do
  print("The recipe's history: " .. revision.op)
end

-- What commits together has one version, and stands together in the feed.
State.transaction(function()
  State.save(WIKI, "tools", "Rake and spade")
  State.save(WIKI, "plants", "Roses")
end)
for _, change in ipairs(catch_up()) do
  print("Change: " .. change.op .. " " .. change.key)
end

-- With a timeout it waits for the first change, also one by another process.
local cursor = State.load(INDEX, "cursor")
local later = State.changes({since = cursor, scope = WIKI, timeout = 0.05})
print("Changes since then: " .. #later.changes)
