// expect error: script: x
Object.prototype.toJSON = () => 5
String.prototype.toWellFormed = () => 5
const e = new Error('x')
e.stack = 'at f (x:²:1)\n at g (y:' + '1'.repeat(5000) + ':1)'
throw e
