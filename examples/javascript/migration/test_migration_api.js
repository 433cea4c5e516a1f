// The migration API: which functions are there, and that each of them does its one thing.
//
// They are there because the config enables migrations; without `[state.migration] enabled` each of them is undefined.
//
// Config: configs/migration-enabled.toml
// Run:    llmspell -c configs/migration-enabled.toml run examples/javascript/migration/test_migration_api.js

const NAMES = [
  'register_schema', 'migrate', 'plan_migration', 'rollback_migration', 'migration_status', 'schema_versions',
  'migration_history',
]

function assert(holds, message = 'an assertion failed') {
  if (!holds) throw new Error(message)
}

function problemOf(action) {
  try {
    action()
  } catch (problem) {
    return problem
  }
}

for (const name of NAMES) {
  assert(typeof State[name] === 'function', `${name} is missing`)
  console.log(`State.${name}`)
}

const SCOPE = 'migration-api'
State.clear(SCOPE)
for (let i = 1; i <= 3; i++) State.save(SCOPE, `doc${i}`, { count: i })

// Registering: the version as text; the same again is harmless, the same version with other content a conflict.
const first = { version: '10.0.0', scope: SCOPE, compatibility: 'none', fields: { count: { type: 'integer', required: true } } }
const second = {
  version: '11.0.0', scope: SCOPE, fields: { count: { type: 'integer' }, double: { type: 'integer', required: true, max: 6 } },
  migrationPath: [{ fromVersion: '10.0.0', transformations: [
    { transform: 'function', name: 'double', function: (doc) => ({ ...doc, double: doc.count * 2 }) },
  ] }],
}
assert(State.registerSchema(first) === '10.0.0' && State.registerSchema(first) === '10.0.0')
assert(State.registerSchema(second) === '11.0.0')
assert(problemOf(() => State.registerSchema({ version: '10.0.0', fields: {} })).code === 'conflict')

// A version that breaks its compatibility is refused with the field and the rule.
const problem = problemOf(() => State.registerSchema({ version: '12.0.0', scope: SCOPE, fields: { count: { type: 'string' } } }))
assert(problem.code === 'schema')
console.log(problem.message.replace('State.register_schema: ', ''))

assert(State.schemaVersions().join(' ').includes('10.0.0 11.0.0'))

// Three ways to ask: a version, one document, and options.
assert(State.migrate({ toVersion: '10.0.0', scope: SCOPE }).items_migrated === 3)
const one = State.migrate(SCOPE, 'doc1', '11.0.0')
assert(one.success && one.items_migrated === 1 && State.load(SCOPE, 'doc1').double === 2)
assert(State.migrate(SCOPE, 'doc1', 11).status === 'already_current')
assert(State.migrate(SCOPE, 'missing', 11).code === 'not_found')
const dry = State.migrate({ to: '11.0.0', scope: SCOPE, dryRun: true })
assert(dry.status === 'dry_run' && dry.items_migrated === 2 && State.load(SCOPE, 'doc2').double === undefined)

// A document that does not fit stops the migration, and everything is put back.
State.save(SCOPE, 'doc9', { count: 9 })
assert(State.migrate({ to: '10.0.0', scope: SCOPE }).success)
const failed = State.migrate({ to: '11.0.0', scope: SCOPE })
assert(!failed.success && failed.code === 'schema' && State.load(SCOPE, 'doc2').double === undefined)
console.log(failed.error)
State.delete(SCOPE, 'doc9')

// Plan, migrate, roll back.
const plan = State.planMigration({ to: '11.0.0', scope: SCOPE })
assert(plan.counts.to_migrate === 2 && plan.samples.length === 2 && plan.samples[0].after.double === 4)
const done = State.migrate({ to: '11.0.0', scope: SCOPE, planHash: plan.plan_hash })
assert(done.success && done.items_migrated === 2 && State.entry(SCOPE, 'doc3').schema_version === '11.0.0')
const back = State.rollbackMigration(done.migration_id)
assert(back.success && back.items_migrated === 2 && State.load(SCOPE, 'doc3').double === undefined)

const status = State.migrationStatus()
assert(status.total_schemas >= 2 && status.latest_version === '11.0.0' && !('unfinished' in status))
const newest = State.migrationHistory()[0]
assert(newest.migration_id === done.migration_id && newest.status === 'rolled_back')

// Everything else is put back, too, so that the example can run again.
while (State.rollbackMigration().success);
assert(State.rollbackMigration().code === 'migration')
State.clear(SCOPE)
console.log('All of them work.')
