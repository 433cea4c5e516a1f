// Retention: many backups, of which the configured policy keeps some. What goes, what stays, and why.
//
// Config: configs/backup-enabled.toml ([state.backup] max_backups, retention_days, min_backups, keep_daily and the like)
// Run:    llmspell -c configs/backup-enabled.toml run examples/javascript/backup/retention_policy.js

// One more than the policy's maximum, 30. With `auto_cleanup = true` making a backup cleans up afterwards.
State.save('retention', 'note', 'worth keeping')
for (let night = 1; night <= 31; night++) {
  State.createBackup('full', { scopes: ['retention'], description: `night ${night}` })
}

const backups = State.listBackups()
print(`Backups: ${backups.length}`)
print(`Newest: ${backups[0].description}, oldest: ${backups.at(-1).description}`)

// A dry run decides as the real one does, and removes nothing.
const plan = State.cleanupBackups(true)
print(`Dry run: ${plan.dry_run}, would delete ${plan.deleted_count}, keep ${plan.retained_count}`)
const [decision] = plan.decisions
print(`The newest: keep = ${decision.keep}, ${decision.reason}`)

const done = State.cleanupBackups()
print(`Deleted as planned: ${done.deleted_count === plan.deleted_count}`)

// What they take in the folder, and what is left to restore from.
const usage = State.getStorageUsage()
const total = State.listBackups().reduce((sum, backup) => sum + backup.size_bytes, 0)
print(`Usage adds up: ${usage.total_size === total}, full backups: ${usage.full_backups}`)
print(`The newest is sound: ${State.validateBackup(backups[0]).is_valid}`)
