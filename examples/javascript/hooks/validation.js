// Validation: what may be saved and deleted, what happens when two writers meet, and a rule that must not fail silently.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/hooks/validation.js

State.clear('hooks:shop')

// on_error = "cancel": if this hook itself fails, or takes too long, nothing is saved. Without it, a failure is a warning.
Hook.register('BeforeStateWrite', (context) => {
  const order = context.data.new_value
  if (typeof order !== 'object') return 'an order is a table'
  if (order.amount <= 0) return { type: 'cancel', reason: 'the amount must be above 0' }
}, { name: 'orders', scope: 'hooks:shop', key: 'order:*', on_error: 'cancel' })

Hook.register('BeforeStateDelete', (context) => {
  if (context.data.old_value?.paid) return 'paid orders stay'
}, { name: 'keep paid', scope: 'hooks:shop' })

const attempt = (what, act) => {
  try {
    act()
    print(`${what}: done`)
  } catch (problem) {
    print(`${what}: ${problem.code}, ${problem.message}`)
  }
}

attempt('a good order', () => State.save('hooks:shop', 'order:1', { amount: 5, paid: true }))
attempt('nothing to pay', () => State.save('hooks:shop', 'order:2', { amount: 0 }))
attempt('no order', () => State.save('hooks:shop', 'order:3', 'tea'))
attempt('a deletion', () => State.delete('hooks:shop', 'order:1'))
attempt('clearing all', () => State.clear('hooks:shop'))
print(`${State.count('hooks:shop')} order is stored`)

// Rules hold in transactions too: what one of them cancels undoes the whole.
attempt('two orders at once', () => State.transaction(() => {
  State.save('hooks:shop', 'order:4', { amount: 1 })
  State.save('hooks:shop', 'order:5', { amount: -1 })
}))
print(`order:4 is there: ${State.exists('hooks:shop', 'order:4')}`)

// A conflict can be resolved: here both writers' items are kept.
State.save('hooks:shop', 'basket', { tea: 1 })
Hook.register('StateConflict', ({ data }) => {
  return { type: 'replace', data: { ...data.old_value, ...data.new_value } }
}, { scope: 'hooks:shop', key: 'basket' })
State.save('hooks:shop', 'basket', { milk: 2 }, { if_version: 0 })
const basket = State.load('hooks:shop', 'basket')
print(`tea ${basket.tea}, milk ${basket.milk}`)
