-- Backups from a script: full and incremental ones, a loss, and the way back.
--
-- Config: configs/backup-enabled.toml ([state.backup] backup_dir says where the backups are)
-- Run:    llmspell -c configs/backup-enabled.toml run examples/lua/backup/state_backup.lua

local SHOP = "shop"

State.clear(SHOP)
State.save(SHOP, "prices", {apple = 3, pear = 4})
State.save(SHOP, "stock", {apple = 120, pear = 80})

-- A full backup holds everything there is: all scopes, with their history.
local full = State.create_backup("full", {description = "before the season"})
print("Full backup: " .. full.type .. ", made: " .. tostring(full.success))

-- An incremental one holds what has changed since the newest backup, and builds on it.
State.save(SHOP, "stock", {apple = 90, pear = 80})
State.save(SHOP, "orders", {"Ann: 30 apples"})
local incremental = State.create_backup("incremental")
print("Incremental backup: " .. incremental.entry_count .. " values, builds on the full one: "
  .. tostring(incremental.parent_id == full.id))

-- A mistake: the orders are gone, the stock is nonsense, and something is there that should not be.
State.delete(SHOP, "orders")
State.save(SHOP, "stock", "oops")
State.save(SHOP, "junk", true)

-- Before it is needed, and here before it is used: every byte of the backup and of what it builds on is read.
local check = State.validate_backup(incremental)
print("Sound: " .. tostring(check.is_valid))

-- A dry run says what would happen. The restore makes a safety backup first, unless told otherwise.
local plan = State.restore_backup(incremental, {scope = SHOP, dry_run = true})
print("Would restore " .. plan.restored_count .. " values and remove " .. plan.removed_count)
local done = State.restore_backup(incremental)
assert(done.success, done.error)

-- The text form of a backup is its id, and where an id belongs, the backup itself will do.
assert(tostring(full) == full.id)
print("Apples: " .. State.load(SHOP, "stock").apple)
print("Orders: " .. State.load(SHOP, "orders")[1])
print("Junk is there: " .. tostring(State.exists(SHOP, "junk")))

-- Even the restore can be undone.
State.restore_backup(done.safety_backup_id)
print("Undone, stock: " .. State.load(SHOP, "stock"))
