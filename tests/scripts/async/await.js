// expect: 1
// expect: then 2
// expect: all [1, 2]
// expect: caught not_found
// expect result: "end"
print(await 1)
State.save('g', 'k', 2)
Promise.resolve(await State.load('g', 'k')).then((v) => print('then', v))
await null
print('all', await Promise.all([1, State.load('g', 'k')]))
try {
  await State.changes({ since: 999999 })
  await Promise.reject(Object.assign(new Error('x'), { code: 'not_found' }))
} catch (e) {
  print('caught', e.code)
}
await 'end'
