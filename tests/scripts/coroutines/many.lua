-- expect: 10000	50005000
local cos, sum = {}, 0
for i = 1, 10000 do cos[i] = coroutine.wrap(function() coroutine.yield(i) end) end
for i = 1, 10000 do sum = sum + cos[i]() end
print(#cos, sum)
