// A backup whenever a critical key changes: by a hook of the script, or by the one that the configuration switches on.
//
// Config: configs/backup-enabled.toml (without a script: critical_keys = ["config:*"] in [state.hooks] does the same)
// Run:    llmspell -c configs/backup-enabled.toml run examples/javascript/hooks/critical_backup.js

State.delete('hooks:critical', 'config:prices')

const change = (price) => {
  State.save('hooks:critical', 'config:prices', { tea: price })
  State.save('hooks:critical', 'visits', 1) // nothing critical
}

const made = []
const backUp = (context) => {
  const backup = State.create_backup('full', { description: `${context.data.key} has changed` })
  if (backup.success) made.push(backup.id)
}
Hook.register('AfterStateWrite', backUp, { name: 'backup', scope: 'hooks:critical', key: 'config:*' })

// The hook runs in the background: the saves do not wait for the backups.
change(3)
sleep(0.3)
change(4)
sleep(0.3)
print(`${made.length} backups of 2 changes`)

const newest = State.list_backups({ limit: 1 })[0]
print(`The newest is of: ${newest.description}`)
print(`It is sound: ${State.validate_backup(newest.id).is_valid}`)

// A mistake, and the way back.
State.restore_backup(made[0], { scope: 'hooks:critical', backup_first: false })
print(`Tea costs ${State.load('hooks:critical', 'config:prices').tea} again`)
