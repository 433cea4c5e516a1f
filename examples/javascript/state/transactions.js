// Transactions: all of it or nothing. Transfers between accounts, an error that undoes everything, a savepoint that
// undoes a part, and what happens when somebody else was first.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/state/transactions.js

const BANK = 'bank'

function show(title) {
  const parts = State.list(BANK).map(({ key, value }) => `${key} ${value}`)
  console.log(`${title}: ${parts.join(', ')}`)
}

State.clear(BANK) // begin afresh
State.save(BANK, 'ann', 100)
State.save(BANK, 'ben', 20)
show('At first')

// Inside, reads see the transaction's own writes. An error undoes all of them.
function transfer(from, to, amount) {
  State.transaction(() => {
    State.increment(BANK, to, amount)
    if (State.increment(BANK, from, -amount) < 0) {
      throw new Error(`${from} has not got ${amount}`)
    }
  })
}

transfer('ann', 'ben', 30)
show('Ann pays Ben 30')

// Ben's money had been added already when the error came: it is gone again.
try {
  transfer('ann', 'ben', 500)
} catch (error) {
  console.log(`Ann pays Ben 500: ${error.message}`)
}
show('Nothing has changed')

// A transaction inside another is a savepoint. What fails in it, and is caught, is undone alone.
State.transaction(() => {
  State.increment(BANK, 'ann', 5)
  try {
    transfer('ben', 'cem', 1000)
  } catch {
    // Ben cannot afford it; the rest goes on.
  }
  transfer('ben', 'cem', 10)
})
show('One transfer of two worked')

// A transaction returns what its function returns.
const total = State.transaction(() => State.list(BANK).reduce((sum, { value }) => sum + value, 0))
console.log(`All together: ${total}`)

// `update` is the short form for one value: read, change and save, with nobody in between.
const interest = State.update(BANK, 'ann', (balance) => balance * 2)
console.log(`Ann has now ${interest}`)

// When there is much to do between reading and saving, hold no lock: remember the version, and save only if it is still
// the same. Here somebody else is faster the first time.
for (let attempt = 1, saved = false; !saved; attempt++) {
  const entry = State.entry(BANK, 'ben')
  const reviewed = entry.value + 1 // the long work

  if (attempt === 1) State.increment(BANK, 'ben', 7) // somebody else

  try {
    State.save(BANK, 'ben', reviewed, { ifVersion: entry.version })
    saved = true
    console.log(`Attempt ${attempt}: saved`)
  } catch (problem) {
    if (problem.code !== 'conflict') throw problem
    console.log(`Attempt ${attempt}: ${problem.code}`)
  }
}
show('Neither change was lost')
