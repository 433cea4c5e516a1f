-- expect: a point
-- expect: {"a point"}
-- expect: kept
local Point = {__tostring = function() return "a point" end, __metatable = 5}
print(setmetatable({}, Point))
print({tostring(setmetatable({}, Point))})
string.format, table.concat, tostring = nil, nil, nil
print("kept")
