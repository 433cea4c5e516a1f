// expect: out 1
// expect: info [1]
// expect: café ☃ 𝄞
// expect stderr: careful
// expect stderr: wrong { a: 1 }
// expect stderr: detail
console.log('out', 1)
console.info('info', [1])
console.warn('careful')
console.error('wrong', { a: 1 })
console.debug('detail')
console.log('café ☃ 𝄞')
