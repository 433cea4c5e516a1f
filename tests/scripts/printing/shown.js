// expect: text 1 2.5 true
// expect: a
// expect:
// expect: -0 100000000000000000000 5n
// expect: [1, 2, {}]
// expect: { a: 1, b: { c: 'x' } }
// expect: { text: 'say "hi"\nthere' }
// expect: null undefined
// expect: Map { 'a' => [1] } Set { 1 } Uint8Array [1, 2]
// expect: Point { x: 1 }
// expect: { list: [circular] }
// expect: [function named] Symbol(s) 2026-01-02T03:04:05.000Z /a/g
print('text', 1, 2.5, true)
print('a')
print('')
print(-0, 1e20, 5n)
print([1, 2, {}])
print({ a: 1, b: { c: 'x' } })
print({ text: 'say "hi"\nthere' })
print(null, undefined)
print(new Map([['a', [1]]]), new Set([1]), new Uint8Array([1, 2]))
class Point {
  x = 1
}
print(new Point())
const t = {}
t.list = t
print(t)
print(function named() {}, Symbol('s'), new Date('2026-01-02T03:04:05Z'), /a/g)
