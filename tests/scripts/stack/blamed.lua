-- `error(…, 2)` blames the caller.
-- expect error: script: use it well
-- expect at: blamed.lua:6
local function checked() error("use it well", 2) end

checked()
