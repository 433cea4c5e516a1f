-- expect error: script: attempt to index a nil value (local 'v')
-- expect at: in_callback.lua:4
State.update("g", "k", function(v)
  return v.x
end)
