// args: one two 3
// expect: ['one', 'two', '3'] 3
// expect: true
print(args, args.length)
print(Array.isArray(args))
