-- A backup whenever a critical key changes: by a hook of the script, or by the one that the configuration switches on.
--
-- Config: configs/backup-enabled.toml (without a script: critical_keys = ["config:*"] in [state.hooks] does the same)
-- Run:    llmspell -c configs/backup-enabled.toml run examples/lua/hooks/critical_backup.lua

State.delete("hooks:critical", "config:prices")

local function change(price)
  State.save("hooks:critical", "config:prices", {tea = price})
  State.save("hooks:critical", "visits", 1) -- nothing critical
end

local made = {}
local function back_up(context)
  local backup = State.create_backup("full", {description = context.data.key .. " has changed"})
  if backup.success then made[#made + 1] = backup.id end
end
Hook.register("AfterStateWrite", back_up, {name = "backup", scope = "hooks:critical", key = "config:*"})

-- The hook runs in the background: the saves do not wait for the backups.
change(3)
sleep(0.3)
change(4)
sleep(0.3)
print(#made .. " backups of 2 changes")

local newest = State.list_backups({limit = 1})[1]
print("The newest is of: " .. newest.description)
print("It is sound: " .. tostring(State.validate_backup(newest.id).is_valid))

-- A mistake, and the way back.
State.restore_backup(made[1], {scope = "hooks:critical", backup_first = false})
print("Tea costs " .. State.load("hooks:critical", "config:prices").tea .. " again")
