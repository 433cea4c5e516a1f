// Promises that nobody awaits still run before the script ends.
// expect: first
// expect: later
// expect: much later
Promise.resolve().then(() => {
  print('later')
  return Promise.resolve().then(() => print('much later'))
})
print('first')
