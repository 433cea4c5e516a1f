-- expect result: []
return JSON.array {}
