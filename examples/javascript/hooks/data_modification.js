// Changing data: what is saved is tidied up, what is read is dressed up, and some keys live elsewhere.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/hooks/data_modification.js

State.clear('hooks:people')
State.clear('hooks:archive')

// "modified": the fields of its data replace those of the context's data.
Hook.register('BeforeStateWrite', ({ data }) => {
  const person = { ...data.new_value, email: data.new_value.email.toLowerCase() }
  person.revision = (data.old_value?.revision ?? 0) + 1
  return { type: 'modified', data: { new_value: person } }
}, { scope: 'hooks:people', key: 'person:*' })

State.save('hooks:people', 'person:1', { name: 'Ada', email: 'Ada@Example.COM' })
State.save('hooks:people', 'person:1', { name: 'Ada L.', email: 'ADA@example.com' })
const ada = State.load('hooks:people', 'person:1')
print(`${ada.name} <${ada.email}>, revision ${ada.revision}`)

// A read can be changed too. The state itself stays as it is: listings show it so.
Hook.register('AfterStateRead', (context) => {
  if (context.data.value === null) return { type: 'replace', data: { name: 'nobody' } }
}, { scope: 'hooks:people', key: 'person:*' })
print(`person:9 is ${State.load('hooks:people', 'person:9').name}, and ${State.count('hooks:people')} is stored`)

// "redirect": another key of the scope, or of another one.
Hook.register('BeforeStateWrite', (context) => {
  return { type: 'redirect', target: { scope: 'hooks:archive', key: context.data.key } }
}, { scope: 'hooks:people', key: 'old:*' })
State.save('hooks:people', 'old:1', { name: 'Charles' })
print(`old:1 went to the archive: ${State.load('hooks:archive', 'old:1').name}`)

// "cache": for so many seconds reads give the same without asking anybody, until the key changes.
let reads = 0
Hook.register('BeforeStateRead', () => {
  reads++
  return { type: 'cache', ttl: 60 }
}, { scope: 'hooks:archive' })
for (let i = 0; i < 5; i++) State.load('hooks:archive', 'old:1')
print(`5 loads, ${reads} asked`)
