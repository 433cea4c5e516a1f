// Basic persistence: work through an inbox, one letter a run, and remember what is done.
//
// Whatever a script saves is there for the next run: tomorrow, after a crash, from JavaScript and from Lua alike.
// Run it twice: the second run goes on where the first one stopped.
//
// Config: configs/state-enabled.toml (the state is on disk, in ./llmspell_state)
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/state/basic_persistence.js

const INBOX = ['an invoice from the printer', 'a question from Ann', 'a parcel notice', 'a birthday card']
const SCOPE = 'inbox' // a scope is a namespace: no other script's keys are in the way

// A counter starts at 0 by itself.
const run = State.increment(SCOPE, 'runs')
console.log(`This is run ${run}.`)

// What was never saved is null, or the default that you name.
const progress = State.load(SCOPE, 'progress', { default: { done: [] } })
if (progress.done.length === 0) {
  console.log('I remember nothing yet.')
} else {
  console.log(`I remember that I answered ${progress.done.join(', ')}.`)
}

// Had the last run died at its work, its mark would still be there.
if (State.exists(SCOPE, 'working_on')) {
  console.log(`The last run was interrupted at ${State.load(SCOPE, 'working_on')}.`)
}

const letter = INBOX[progress.done.length]
if (letter) {
  State.save(SCOPE, 'working_on', letter)
  progress.done.push(letter)
  State.save(SCOPE, 'progress', progress) // once this returns, it is on disk
  State.delete(SCOPE, 'working_on')
  console.log(`Now I have answered ${letter}.`)
} else {
  console.log('The inbox is empty.')
}
