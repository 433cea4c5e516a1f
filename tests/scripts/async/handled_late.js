// expect: handled late
const p = Promise.reject(new Error('x'))
await null
p.catch(() => print('handled late'))
