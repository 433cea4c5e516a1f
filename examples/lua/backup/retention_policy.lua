-- Retention: many backups, of which the configured policy keeps some. What goes, what stays, and why.
--
-- Config: configs/backup-enabled.toml ([state.backup] max_backups, retention_days, min_backups, keep_daily and the like)
-- Run:    llmspell -c configs/backup-enabled.toml run examples/lua/backup/retention_policy.lua

-- One more than the policy's maximum, 30. With `auto_cleanup = true` making a backup cleans up afterwards.
State.save("retention", "note", "worth keeping")
for night = 1, 31 do
  State.create_backup("full", {scopes = {"retention"}, description = "night " .. night})
end

local backups = State.list_backups()
print("Backups: " .. #backups)
print("Newest: " .. backups[1].description .. ", oldest: " .. backups[#backups].description)

-- A dry run decides as the real one does, and removes nothing.
local plan = State.cleanup_backups(true)
print("Dry run: " .. tostring(plan.dry_run) .. ", would delete " .. plan.deleted_count .. ", keep " .. plan.retained_count)
local decision = plan.decisions[1]
print("The newest: keep = " .. tostring(decision.keep) .. ", " .. decision.reason)

local done = State.cleanup_backups()
print("Deleted as planned: " .. tostring(done.deleted_count == plan.deleted_count))

-- What they take in the folder, and what is left to restore from.
local usage = State.get_storage_usage()
local total = 0
for _, backup in ipairs(State.list_backups()) do total = total + backup.size_bytes end
print("Usage adds up: " .. tostring(usage.total_size == total) .. ", full backups: " .. usage.full_backups)
print("The newest is sound: " .. tostring(State.validate_backup(backups[1]).is_valid))
