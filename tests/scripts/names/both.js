// expect: true
// expect: true
// expect: ['k'] ['k']
// expect: conflict
print(State.list_keys === State.listKeys)
print(State.list_scopes === State.listScopes)
State.save('g', 'k', 1)
print(State.list_keys('g'), State.listKeys('g'))
try {
  State.save('g', 'k', 2, { ifVersion: 0 })
} catch (e) {
  print(e.code)
}
