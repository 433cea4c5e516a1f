// Recovery: a point in time among several, one scope alone, and the newest backup that is still sound.
//
// Config: configs/backup-enabled.toml
// Run:    llmspell -c configs/backup-enabled.toml run examples/javascript/backup/recovery_scenarios.js

const must = (result) => {
  if (!result.success) throw new Error(result.error)
  return result
}

function backup(hour) {
  State.save('journal', 'hour', hour)
  State.save('user:zoe', 'mood', `mood at ${hour}`)
  return must(State.createBackup(hour !== '09:00' ? 'incremental' : 'full', { description: hour }))
}

backup('09:00')
backup('10:00')
backup('11:00')

// 1. A point in time: everything as it was at ten.
const find = (description) => State.listBackups().find((candidate) => candidate.description === description)
must(State.restoreBackup(find('10:00'), { backupFirst: false }))
print(`Point in time: ${State.load('journal', 'hour')}, ${State.load('user:zoe', 'mood')}`)

// 2. One scope: Zoe goes back to nine, all others stay where they are.
must(State.restoreBackup(find('09:00'), { scope: 'user:zoe' }))
print(`One scope: ${State.load('journal', 'hour')}, ${State.load('user:zoe', 'mood')}`)
print(`Her history tells of it: ${State.history('user:zoe', 'mood', { limit: 1 })[0].value}`)

// 3. The newest backup may be damaged or gone. A restore of it changes nothing, and says why.
const lost = State.restoreBackup('00000000-0000-7000-8000-000000000000')
print(`A lost backup: ${lost.success}, ${lost.code}`)

// So: the newest one that is sound, among those made by the hour.
const sound = State.listBackups().find((candidate) => /^\d\d:00$/.test(candidate.description ?? '') && State.validateBackup(candidate).is_valid)
must(State.restoreBackup(sound))
print(`Newest sound: ${sound.description}, ${State.load('user:zoe', 'mood')}`)
