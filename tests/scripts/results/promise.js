// expect result: 5
;(async () => 5)()
