-- A disaster drill: lose everything on purpose, take it back, and compare. Only a restore that was tried is one.
--
-- Config: configs/backup-enabled.toml
-- Run:    llmspell -c configs/backup-enabled.toml run examples/lua/backup/disaster_drill.lua

local function saved_of(scope)
  local found = {}
  for _, entry in ipairs(State.list(scope)) do found[entry.key] = entry.value end
  return JSON.stringify(found)
end

-- Something to lose, with its history.
for number = 1, 50 do
  State.save("drill", "item" .. number, {number = number, name = "item " .. number, tags = {"a", "b"}})
end
State.save("drill", "item7", {number = 7, name = "item 7, corrected"})
local before, versions = saved_of("drill"), #State.history("drill", "item7", {limit = 2})

-- The rehearsal that harms nobody: restore into a scratch store, compare every entry, check the store.
local backup = State.create_backup()
assert(backup.success, backup.error)
local rehearsal = State.validate_backup(backup, {restore_test = true})
print("Rehearsal: " .. tostring(rehearsal.is_valid) .. ", problems: " .. #rehearsal.errors)

-- The disaster.
print("Lost: " .. State.clear("drill") .. " values, left: " .. State.count("drill"))

-- The recovery. No safety backup: there is nothing worth keeping now.
local done = State.restore_backup(backup, {backup_first = false})
assert(done.success, done.error)
print("Back: " .. State.count("drill") .. " values")
print("Every value is the same: " .. tostring(saved_of("drill") == before))
print("The history is back: " .. tostring(#State.history("drill", "item7", {limit = 2}) == versions))
print("Passed")
