// A script that breaks the built-in prototypes breaks only itself: what it passes to the host arrives as it was.
// expect: kept
// expect: ["k",{"b":["x",-1.5],"n":10}]
const { stringify } = JSON
Array.prototype.join = String.prototype.slice = RegExp.prototype.exec = Array.prototype.map = () => 'broken'
Array.prototype[Symbol.iterator] = null
Object.defineProperty(Array.prototype, '0', { set() {}, configurable: true })
Object.prototype.toJSON = Array.prototype.toJSON = () => 'broken'
print('kept')
delete Object.prototype.toJSON
delete Array.prototype.toJSON
State.save('global', 'k', { b: ['x', -1.5], n: 10n })
const entry = State.update('global', 'k', (v) => v)
print(stringify(['k', entry]))
