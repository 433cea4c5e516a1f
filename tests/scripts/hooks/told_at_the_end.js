Hook.register('AfterStateWrite', (context) => { Promise.resolve().then(() => print(`told\t${context.data.key}`)) })
State.save('s', 'a', 1)
State.save('s', 'b', 1)
print('end')
// expect: end
// expect: told	a
// expect: told	b
