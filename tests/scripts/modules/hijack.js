// What a refused import throws may run the script's own code: a setter, a stack formatter.
// expect: formatted
// expect: set access_denied
// expect: access_denied
Error.prepareStackTrace = () => {
  print('formatted')
  Error.prepareStackTrace = undefined
}
Object.defineProperty(Object.prototype, 'code', {
  configurable: true,
  set(value) {
    print('set', value)
    Object.defineProperty(this, 'code', { value })
  },
})
await import('./nowhere.js').catch((e) => print(e.code))
