-- expect error: script: deep
-- expect at: line.lua:5
local function inner()

  error("deep")
end
local function outer() inner() end
outer()
