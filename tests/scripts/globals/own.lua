-- A script's own globals are its own business.
-- expect: 1	2
-- expect: mine
x, print_count = 1, 2
print(x, _G.print_count)
local function shadow(State) return State end
print(shadow("mine"))
