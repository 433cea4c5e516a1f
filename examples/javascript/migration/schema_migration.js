// Schema migration: register two versions, plan, migrate, verify, and roll back exactly.
//
// A schema names the documents it covers, what is in them, and how documents of earlier versions become its own. Schemas are
// kept in the store: registering the same one again, as the second run of this script does, changes nothing.
//
// Config: configs/migration-enabled.toml
// Run:    llmspell -c configs/migration-enabled.toml run examples/javascript/migration/schema_migration.js

State.registerSchema({
  version: '1.0.0', scope: 'customer:*', key: 'profile', compatibility: 'none',
  fields: {
    name: { type: 'string', required: true },
    lang: { type: 'string' },
    age: { type: 'string' },
  },
})
State.registerSchema({
  version: '2.0.0', scope: 'customer:*', key: 'profile',
  compatibility: 'none', // an age that is no number cannot be read: the migration itself will say so
  fields: {
    first_name: { type: 'string', required: true, maxLength: 50 },
    last_name: { type: 'string' },
    age: { type: 'integer', min: 0, max: 150 },
    preferences: { type: 'object', fields: { language: { type: 'string' } } },
    newsletter: { type: 'boolean', required: true },
  },
  migrationPath: [{ fromVersion: '1.0.0', toVersion: '2.0.0', transformations: [
    { transform: 'split', field: 'name', separator: ' ', to: ['first_name', 'last_name'] },
    { transform: 'move', field: 'lang', to: 'preferences.language' },
    { transform: 'convert', field: 'age', type: 'integer' },
    { transform: 'default', field: 'newsletter', value: false },
  ] }],
})

function assert(holds, message = 'an assertion failed') {
  if (!holds) throw new Error(message)
}

function show(id) {
  const { value: v, schema_version: version } = State.entry(`customer:${id}`, 'profile')
  if (version === '1.0.0') console.log(`  ${id} at 1.0.0: ${v.name}, ${v.lang ?? 'no language'}, age '${v.age}'`)
  else {
    const language = v.preferences?.language ?? 'no language'
    console.log(`  ${id} at ${version}: ${v.first_name} | ${v.last_name}, ${language}, age ${v.age}, newsletter ${v.newsletter}`)
  }
}

State.save('customer:ann', 'profile', { name: 'Ann Lee', lang: 'de', age: '34' })
State.save('customer:bob', 'profile', { name: 'Bob Ray', age: 'very old' })
show('ann')

// The plan: nothing is changed. It shows up to three documents before and after, or why one cannot be migrated.
const plan = State.planMigration('2.0.0')
console.log(`The plan takes ${plan.counts.to_migrate} documents along.`)
console.log(`  ${plan.samples[0].before.name} becomes ${plan.samples[0].after.first_name}`)
console.log(`  ${plan.samples[1].error}`)

// One bad document: nothing at all is changed, and the error says which one, where and why.
const failed = State.migrate('2.0.0')
assert(!failed.success && failed.status === 'failed' && failed.code === 'schema')
console.log(`Failed: ${failed.error}`)
show('ann')

// Mended, it goes; but not with the hash of the old plan, which stands for what the documents were then.
State.save('customer:bob', 'profile', { name: 'Bob Ray', age: '51' })
const outdated = State.migrate({ toVersion: '2.0.0', planHash: plan.plan_hash })
assert(outdated.code === 'conflict')
console.log(`Failed: ${outdated.error}`)

const done = State.migrate({ toVersion: '2.0.0', planHash: State.planMigration('2.0.0').plan_hash })
assert(done.success, done.error)
console.log(`Migrated ${done.items_migrated} documents from ${done.from_version} to ${done.to_version}.`)
show('ann')
show('bob')

// Saves are checked against the version that is current now.
try {
  State.save('customer:ann', 'profile', { first_name: 'Ann', age: 200, newsletter: true })
  assert(false)
} catch (problem) {
  assert(problem.code === 'schema', String(problem))
  console.log(`Refused: ${problem.message.replace('State.save: ', '')}`)
}

// Back again, byte for byte.
const back = State.rollbackMigration()
assert(back.success && back.status === 'rolled_back')
console.log(`Rolled back ${back.items_migrated} documents to ${back.to_version}.`)
show('ann')
