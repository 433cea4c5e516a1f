// Scope isolation: the same key in many scopes, and none of them touches another.
//
// A scope is a text: global, system, agent:<id>, user:<id>, session:<id>, workflow:<id>, step:<workflow>:<step>,
// tool:<name>, hook:<name>, or any plain name of your own.
//
// Config: configs/state-enabled.toml
// Run:    llmspell -c configs/state-enabled.toml run examples/javascript/state/scope_isolation.js

// 'user:ann' is the beginning of 'user:anna': still two scopes, as different as any others.
const SCOPES = ['user:ann', 'user:anna', 'agent:greeter', 'workflow:onboarding', 'step:onboarding:welcome', 'greetings']

function show(title) {
  console.log(title)
  for (const scope of SCOPES) {
    console.log(`  ${scope}: ${State.load(scope, 'greeting') ?? '(nothing)'}`)
  }
}

for (const scope of SCOPES) {
  State.save(scope, 'greeting', `hello from ${scope}`)
}
show('One key, six values:')

State.save('user:ann', 'greeting', 'good morning')
State.delete('agent:greeter', 'greeting')
show("Ann's was changed, the agent's deleted:")

State.save('user:ann', 'theme', 'dark')
console.log(`Clearing user:ann removed ${State.clear('user:ann')} values.`)
show('Only hers are gone:')

// A custom scope may be written with or without its kind.
console.log(`custom:greetings is greetings: ${State.load('custom:greetings', 'greeting')}`)

// Scopes that hold something can be listed; an empty one is no longer there.
console.log(`Scopes that begin with user:ann: ${State.listScopes({ prefix: 'user:ann' }).join(', ')}`)

// An empty scope is a mistake, and said so, instead of becoming a place where things get lost.
try {
  State.save('', 'greeting', 'hello?')
} catch (problem) {
  console.log(`A scope without a name is refused: ${problem.code}`)
}
