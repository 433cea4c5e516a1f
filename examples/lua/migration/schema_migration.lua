-- Schema migration: register two versions, plan, migrate, verify, and roll back exactly.
--
-- A schema names the documents it covers, what is in them, and how documents of earlier versions become its own. Schemas are
-- kept in the store: registering the same one again, as the second run of this script does, changes nothing.
--
-- Config: configs/migration-enabled.toml
-- Run:    llmspell -c configs/migration-enabled.toml run examples/lua/migration/schema_migration.lua

State.register_schema({
  version = "1.0.0", scope = "customer:*", key = "profile", compatibility = "none",
  fields = {
    name = {type = "string", required = true},
    lang = {type = "string"},
    age = {type = "string"},
  },
})
State.register_schema({
  version = "2.0.0", scope = "customer:*", key = "profile",
  compatibility = "none", -- an age that is no number cannot be read: the migration itself will say so
  fields = {
    first_name = {type = "string", required = true, max_length = 50},
    last_name = {type = "string"},
    age = {type = "integer", min = 0, max = 150},
    preferences = {type = "object", fields = {language = {type = "string"}}},
    newsletter = {type = "boolean", required = true},
  },
  migration_path = {{from_version = "1.0.0", to_version = "2.0.0", transformations = {
    {transform = "split", field = "name", separator = " ", to = {"first_name", "last_name"}},
    {transform = "move", field = "lang", to = "preferences.language"},
    {transform = "convert", field = "age", type = "integer"},
    {transform = "default", field = "newsletter", value = false},
  }}},
})

local function show(id)
  local entry = State.entry("customer:" .. id, "profile")
  local v = entry.value
  if entry.schema_version == "1.0.0" then
    print(("  %s at 1.0.0: %s, %s, age '%s'"):format(id, v.name, v.lang or "no language", v.age))
  else
    local language = v.preferences and v.preferences.language or "no language"
    print(("  %s at %s: %s | %s, %s, age %d, newsletter %s"):format(
      id, entry.schema_version, v.first_name, v.last_name, language, v.age, v.newsletter))
  end
end

State.save("customer:ann", "profile", {name = "Ann Lee", lang = "de", age = "34"})
State.save("customer:bob", "profile", {name = "Bob Ray", age = "very old"})
show("ann")

-- The plan: nothing is changed. It shows up to three documents before and after, or why one cannot be migrated.
local plan = State.plan_migration("2.0.0")
print(("The plan takes %d documents along."):format(plan.counts.to_migrate))
print("  " .. plan.samples[1].before.name .. " becomes " .. plan.samples[1].after.first_name)
print("  " .. plan.samples[2].error)

-- One bad document: nothing at all is changed, and the error says which one, where and why.
local failed = State.migrate("2.0.0")
assert(not failed.success and failed.status == "failed" and failed.code == "schema")
print("Failed: " .. failed.error)
show("ann")

-- Mended, it goes; but not with the hash of the old plan, which stands for what the documents were then.
State.save("customer:bob", "profile", {name = "Bob Ray", age = "51"})
local outdated = State.migrate({to_version = "2.0.0", plan_hash = plan.plan_hash})
assert(outdated.code == "conflict")
print("Failed: " .. outdated.error)

local done = State.migrate({to_version = "2.0.0", plan_hash = State.plan_migration("2.0.0").plan_hash})
assert(done.success, done.error)
print(("Migrated %d documents from %s to %s."):format(done.items_migrated, done.from_version, done.to_version))
show("ann")
show("bob")

-- Saves are checked against the version that is current now.
local ok, problem = pcall(State.save, "customer:ann", "profile", {first_name = "Ann", age = 200, newsletter = true})
assert(not ok and problem.code == "schema")
print("Refused: " .. problem.message)

-- Back again, byte for byte.
local back = State.rollback_migration()
assert(back.success and back.status == "rolled_back")
print(("Rolled back %d documents to %s."):format(back.items_migrated, back.to_version))
show("ann")
