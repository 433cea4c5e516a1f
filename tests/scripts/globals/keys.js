// expect: true true true
// expect: true
// expect: save
// expect: function
const names = Object.keys(State)
print(names.includes('save'), names.includes('listKeys'), names.includes('list_keys'))
print('State' in globalThis && 'sleep' in globalThis && !('__host_write' in globalThis))
for (const [name] of Object.entries(State)) if (name === 'save') print(name)
print(typeof State.save)
