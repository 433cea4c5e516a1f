-- The migration API: which functions are there, and that each of them does its one thing.
--
-- They are there because the config enables migrations; without `[state.migration] enabled` each of them is nil.
--
-- Config: configs/migration-enabled.toml
-- Run:    llmspell -c configs/migration-enabled.toml run examples/lua/migration/test_migration_api.lua

local NAMES = {
  "register_schema", "migrate", "plan_migration", "rollback_migration", "migration_status", "schema_versions",
  "migration_history",
}

for _, name in ipairs(NAMES) do
  assert(type(State[name]) == "function", name .. " is missing")
  print("State." .. name)
end

local SCOPE = "migration-api"
State.clear(SCOPE)
for i = 1, 3 do State.save(SCOPE, "doc" .. i, {count = i}) end

-- Registering: the version as text; the same again is harmless, the same version with other content a conflict.
local first = {version = "10.0.0", scope = SCOPE, compatibility = "none", fields = {count = {type = "integer", required = true}}}
local second = {
  version = "11.0.0", scope = SCOPE, fields = {count = {type = "integer"}, double = {type = "integer", required = true, max = 6}},
  migration_path = {{from_version = "10.0.0", transformations = {
    {transform = "function", name = "double", ["function"] = function(doc) doc.double = doc.count * 2 return doc end},
  }}},
}
assert(State.register_schema(first) == "10.0.0" and State.register_schema(first) == "10.0.0")
assert(State.register_schema(second) == "11.0.0")
local ok, problem = pcall(State.register_schema, {version = "10.0.0", fields = {}})
assert(not ok and problem.code == "conflict")

-- A version that breaks its compatibility is refused with the field and the rule.
ok, problem = pcall(State.register_schema, {version = "12.0.0", scope = SCOPE, fields = {count = {type = "string"}}})
assert(not ok and problem.code == "schema")
print(problem.message)

local versions = table.concat(State.schema_versions(), " ")
assert(versions:find("10.0.0 11.0.0", 1, true))

-- Three ways to ask: a version, one document, and options.
assert(State.migrate({to_version = "10.0.0", scope = SCOPE}).items_migrated == 3)
local one = State.migrate(SCOPE, "doc1", "11.0.0")
assert(one.success and one.items_migrated == 1 and State.load(SCOPE, "doc1").double == 2)
assert(State.migrate(SCOPE, "doc1", 11).status == "already_current")
assert(State.migrate(SCOPE, "missing", 11).code == "not_found")
local dry = State.migrate({to = "11.0.0", scope = SCOPE, dry_run = true})
assert(dry.status == "dry_run" and dry.items_migrated == 2 and State.load(SCOPE, "doc2").double == nil)

-- A document that does not fit stops the migration, and everything is put back.
State.save(SCOPE, "doc9", {count = 9})
assert(State.migrate({to = "10.0.0", scope = SCOPE}).success)
local failed = State.migrate({to = "11.0.0", scope = SCOPE})
assert(not failed.success and failed.code == "schema" and State.load(SCOPE, "doc2").double == nil)
print(failed.error)
State.delete(SCOPE, "doc9")

-- Plan, migrate, roll back.
local plan = State.plan_migration({to = "11.0.0", scope = SCOPE})
assert(plan.counts.to_migrate == 2 and #plan.samples == 2 and plan.samples[1].after.double == 4)
local done = State.migrate({to = "11.0.0", scope = SCOPE, plan_hash = plan.plan_hash})
assert(done.success and done.items_migrated == 2 and State.entry(SCOPE, "doc3").schema_version == "11.0.0")
local back = State.rollback_migration(done.migration_id)
assert(back.success and back.items_migrated == 2 and State.load(SCOPE, "doc3").double == nil)

local status = State.migration_status()
assert(status.total_schemas >= 2 and status.latest_version == "11.0.0" and status.unfinished == nil)
local newest = State.migration_history()[1]
assert(newest.migration_id == done.migration_id and newest.status == "rolled_back")

-- Everything else is put back, too, so that the example can run again.
while State.rollback_migration().success do end
assert(State.rollback_migration().code == "migration")
State.clear(SCOPE)
print("All of them work.")
