// expect: 1 3
// expect: ['b']
// expect: fallback [1] null
// expect: ['a', 'b', 'c'] ['c', 'b']
;['a', 'b', 'c'].forEach((key, i) => State.save('s', key, i + 1, {}))
print(State.load('s', 'a', undefined), State.load('s', 'c', { default: 5 }))
print(State.listKeys('s', { after: 'a', limit: 1 }))
print(State.load('s', 'x', { default: 'fallback' }), State.load('s', 'x', { default: [1] }), State.load('s', 'x', { default: null }))
print(State.listKeys('s', { limit: undefined }), State.listKeys('s', { reverse: true, limit: 2 }))
