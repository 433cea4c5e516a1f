// expect result: 2
let n = 1
if (n) n + 1
