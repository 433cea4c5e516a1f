// Priorities: in which order hooks run, and how the next one sees what the one before has changed.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/hooks/priorities.js

State.clear('hooks:order')

const add = (word) => (context) => ({ type: 'modified', data: { new_value: `${context.data.new_value} ${word}` } })

// Registered in any order, they run from highest to lowest; of equal ones, the first that was registered.
Hook.register('BeforeStateWrite', add('lowest'), 'lowest')
Hook.register('BeforeStateWrite', add('normal'))
Hook.register('BeforeStateWrite', add('highest'), 'highest')
Hook.register('BeforeStateWrite', add('high'), { priority: 'high' })

Hook.list('BeforeStateWrite').forEach((hook, index) => print(`${index + 1}. ${hook.priority}`))
State.save('hooks:order', 'word', 'start')
print(State.load('hooks:order', 'word'))

// "replace" says what the value is, and ends the chain: nobody after it runs.
Hook.register('BeforeStateWrite', (context) => {
  if (context.data.key === 'final') return { type: 'replace', data: 'decided' }
}, 'highest')
State.save('hooks:order', 'final', 'start')
print(State.load('hooks:order', 'final'))
