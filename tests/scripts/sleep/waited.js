// expect: true
// expect: null
const before = performance.now()
print(sleep(0.01) === null && performance.now() - before >= 10 && performance.now() - before < 5000)
print(sleep(0))
