-- expect error: script: attempt to call a nil value (field 'lod')
-- expect at: missing_function.lua:3
State.lod("g", "k")
