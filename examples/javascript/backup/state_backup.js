// Backups from a script: full and incremental ones, a loss, and the way back.
//
// Config: configs/backup-enabled.toml ([state.backup] backup_dir says where the backups are)
// Run:    llmspell -c configs/backup-enabled.toml run examples/javascript/backup/state_backup.js

const SHOP = 'shop'

State.clear(SHOP)
State.save(SHOP, 'prices', { apple: 3, pear: 4 })
State.save(SHOP, 'stock', { apple: 120, pear: 80 })

// A full backup holds everything there is: all scopes, with their history.
const full = State.createBackup('full', { description: 'before the season' })
print(`Full backup: ${full.type}, made: ${full.success}`)

// An incremental one holds what has changed since the newest backup, and builds on it.
State.save(SHOP, 'stock', { apple: 90, pear: 80 })
State.save(SHOP, 'orders', ['Ann: 30 apples'])
const incremental = State.createBackup('incremental')
print(`Incremental backup: ${incremental.entry_count} values, builds on the full one: ${incremental.parent_id === full.id}`)

// A mistake: the orders are gone, the stock is nonsense, and something is there that should not be.
State.delete(SHOP, 'orders')
State.save(SHOP, 'stock', 'oops')
State.save(SHOP, 'junk', true)

// Before it is needed, and here before it is used: every byte of the backup and of what it builds on is read.
const check = State.validateBackup(incremental)
print(`Sound: ${check.is_valid}`)

// A dry run says what would happen. The restore makes a safety backup first, unless told otherwise.
const plan = State.restoreBackup(incremental, { scope: SHOP, dryRun: true })
print(`Would restore ${plan.restored_count} values and remove ${plan.removed_count}`)
const done = State.restoreBackup(incremental)
if (!done.success) throw new Error(done.error)

// The text form of a backup is its id, and where an id belongs, the backup itself will do.
if (`${full}` !== full.id) throw new Error('a backup reads as its id')
print(`Apples: ${State.load(SHOP, 'stock').apple}`)
print(`Orders: ${State.load(SHOP, 'orders')[0]}`)
print(`Junk is there: ${State.exists(SHOP, 'junk')}`)

// Even the restore can be undone.
State.restoreBackup(done.safety_backup_id)
print(`Undone, stock: ${State.load(SHOP, 'stock')}`)
