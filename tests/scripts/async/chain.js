// expect: 1000
let n = 0
const step = async () => { if (++n < 1000) await step() }
await step()
print(n)
