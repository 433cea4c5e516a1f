// expect: 0 1 2
// expect: a b
function* count() {
  for (let i = 0; i < 3; i++) yield i
}
print(...count())
async function* letters() {
  yield 'a'
  yield await Promise.resolve('b')
}
const seen = []
for await (const letter of letters()) seen.push(letter)
print(...seen)
