// A disaster drill: lose everything on purpose, take it back, and compare. Only a restore that was tried is one.
//
// Config: configs/backup-enabled.toml
// Run:    llmspell -c configs/backup-enabled.toml run examples/javascript/backup/disaster_drill.js

const savedOf = (scope) => JSON.stringify(State.list(scope))

// Something to lose, with its history.
for (let number = 1; number <= 50; number++) {
  State.save('drill', `item${number}`, { number, name: `item ${number}`, tags: ['a', 'b'] })
}
State.save('drill', 'item7', { number: 7, name: 'item 7, corrected' })
const before = savedOf('drill')
const versions = State.history('drill', 'item7', { limit: 2 }).length

// The rehearsal that harms nobody: restore into a scratch store, compare every entry, check the store.
const backup = State.createBackup()
if (!backup.success) throw new Error(backup.error)
const rehearsal = State.validateBackup(backup, { restoreTest: true })
print(`Rehearsal: ${rehearsal.is_valid}, problems: ${rehearsal.errors.length}`)

// The disaster.
print(`Lost: ${State.clear('drill')} values, left: ${State.count('drill')}`)

// The recovery. No safety backup: there is nothing worth keeping now.
const done = State.restoreBackup(backup, { backupFirst: false })
if (!done.success) throw new Error(done.error)
print(`Back: ${State.count('drill')} values`)
print(`Every value is the same: ${savedOf('drill') === before}`)
print(`The history is back: ${State.history('drill', 'item7', { limit: 2 }).length === versions}`)
print('Passed')
