// expect result: []
;[]
