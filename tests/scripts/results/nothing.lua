-- expect result: null
local x = 1
