-- expect: 1	2	3
-- expect: true	a	b
-- expect: suspended	true	dead
-- expect: false	raised
-- expect: false	cannot resume dead coroutine
-- expect: false	{x = 1}
-- expect: true	true
-- expect: closed
-- expect: true
-- expect: k	v
-- expect: attempt to yield from outside a coroutine
-- expect: outer	running	normal
local function each(...)
  local items = {...}
  return coroutine.wrap(function() for _, item in ipairs(items) do coroutine.yield(item) end end)
end
local next_one = each(1, 2, 3)
print(next_one(), next_one(), next_one())
print(coroutine.resume(coroutine.create(function(...) return ... end), "a", "b"))
local co = coroutine.create(function(x) coroutine.yield(x) end)
print(coroutine.status(co), coroutine.resume(co, 7), select(2, coroutine.resume(co)) or coroutine.status(co))
local failing = coroutine.create(function() error("raised", 0) end)
print(coroutine.resume(failing))
print(coroutine.resume(failing))
print(pcall(coroutine.wrap(function() error({x = 1}) end)))
print(coroutine.isyieldable() == false, coroutine.wrap(function() return coroutine.isyieldable() end)())
local pending = coroutine.create(function()
  local guard <close> = setmetatable({}, {__close = function() print("closed") end})
  coroutine.yield()
end)
coroutine.resume(pending)
print(coroutine.close(pending))
local saver = coroutine.wrap(function() State.save("g", "k", "v") coroutine.yield(State.list_keys("g")[1]) return State.load("g", "k") end)
print(saver(), saver())
print(select(2, coroutine.wrap(function() return pcall(State.update, "g", "k", coroutine.yield) end)()))
local outer
outer = coroutine.create(function()
  local inner = coroutine.wrap(function() return coroutine.status(outer) end)
  print("outer", coroutine.status(outer), inner())
end)
coroutine.resume(outer)
