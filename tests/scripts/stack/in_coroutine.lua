-- expect error: script: in a coroutine
-- expect at: in_coroutine.lua:4
local run = coroutine.wrap(function()
  error("in a coroutine")
end)
run()
