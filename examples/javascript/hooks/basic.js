// Hooks: functions that are asked before something happens to the state, or told after it.
//
// Config: configs/state-enabled.toml ([state.hooks] timeout_ms bounds how long a hook may take, 5 s by default)
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/hooks/basic.js

State.clear('hooks:basic')

// Before a save: say nothing, and it goes on. Any text but "continue" and "skip" cancels it, with the text as the reason.
const guard = Hook.register('BeforeStateWrite', (context) => {
  if (context.data.new_value === '') return 'an empty note helps nobody'
}, { name: 'guard', scope: 'hooks:basic' })

State.save('hooks:basic', 'note', 'buy tea')
try {
  State.save('hooks:basic', 'note', '')
} catch (error) {
  print(`false\t${error}`)
}
print(`Still there: ${State.load('hooks:basic', 'note')}`)

// After a save, in the background: between the script's own steps, and before its end at the latest.
Hook.register('AfterStateWrite', (context) => {
  print(`  (told of ${context.data.key})`)
}, { scope: 'hooks:basic' })
State.save('hooks:basic', 'mood', 'curious')
sleep(0.2)

for (const hook of Hook.list('BeforeStateWrite')) {
  print(`${hook.name} ran ${hook.executions} times, with ${hook.failures} failures`)
}

// A hook ends with its script, or before that.
print(`Removed: ${guard.unregister()}`)
State.save('hooks:basic', 'note', '')
print(`Now it may be empty: [${State.load('hooks:basic', 'note')}]`)
