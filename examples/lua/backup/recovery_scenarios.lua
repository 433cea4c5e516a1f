-- Recovery: a point in time among several, one scope alone, and the newest backup that is still sound.
--
-- Config: configs/backup-enabled.toml
-- Run:    llmspell -c configs/backup-enabled.toml run examples/lua/backup/recovery_scenarios.lua

local function backup(hour)
  State.save("journal", "hour", hour)
  State.save("user:zoe", "mood", "mood at " .. hour)
  local made = State.create_backup(hour ~= "09:00" and "incremental" or "full", {description = hour})
  assert(made.success, made.error)
  return made
end

backup("09:00")
backup("10:00")
backup("11:00")

-- 1. A point in time: everything as it was at ten.
local function find(description)
  for _, candidate in ipairs(State.list_backups()) do
    if candidate.description == description then return candidate end
  end
end
local done = State.restore_backup(find("10:00"), {backup_first = false})
assert(done.success, done.error)
print("Point in time: " .. State.load("journal", "hour") .. ", " .. State.load("user:zoe", "mood"))

-- 2. One scope: Zoe goes back to nine, all others stay where they are.
done = State.restore_backup(find("09:00"), {scope = "user:zoe"})
assert(done.success, done.error)
print("One scope: " .. State.load("journal", "hour") .. ", " .. State.load("user:zoe", "mood"))
print("Her history tells of it: " .. State.history("user:zoe", "mood", {limit = 1})[1].value)

-- 3. The newest backup may be damaged or gone. A restore of it changes nothing, and says why.
local lost = State.restore_backup("00000000-0000-7000-8000-000000000000")
print("A lost backup: " .. tostring(lost.success) .. ", " .. lost.code)

-- So: the newest one that is sound, among those made by the hour.
local function newest_sound()
  for _, candidate in ipairs(State.list_backups()) do
    if (candidate.description or ""):find("^%d%d:00$") and State.validate_backup(candidate).is_valid then return candidate end
  end
end
local sound = newest_sound()
done = State.restore_backup(sound)
assert(done.success, done.error)
print("Newest sound: " .. sound.description .. ", " .. State.load("user:zoe", "mood"))
