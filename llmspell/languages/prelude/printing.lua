-- Readable printing: values as their author would write them.
local host, _, parts = ...

local type, next, ipairs, select, tostring, rawlen, rawget = type, next, ipairs, select, tostring, rawlen, rawget
local metatable = debug.getmetatable
local mathtype = math.type
local find, gsub = string.find, string.gsub
local concat, sort = table.concat, table.sort

local function is_name(s)
  return type(s) == "string" and find(s, "^[%a_][%w_]*$")
end

local function order(a, b)
  local x, y = mathtype(a) and 1 or type(a) == "string" and 2 or 3, mathtype(b) and 1 or type(b) == "string" and 2 or 3
  if x ~= y then return x < y end
  if x == 3 then return tostring(a) < tostring(b) end
  return a < b
end

local function show(v, above, depth)
  if type(v) == "string" then return depth > 0 and '"' .. gsub(gsub(v, "[\\\"]", "\\%0"), "\n", "\\n") .. '"' or v end
  local meta = metatable(v)
  if type(v) ~= "table" or (meta and meta.__tostring) then return tostring(v) end
  if above[v] then return "<cycle>" end
  if depth > 8 then return "{...}" end
  above[v] = true
  local parts, names, length = {}, {}, rawlen(v)
  for i = 1, length do parts[i] = show(rawget(v, i), above, depth + 1) end
  for key in next, v do
    if not (mathtype(key) == "integer" and key >= 1 and key <= length) then names[#names + 1] = key end
  end
  sort(names, order)
  for _, key in ipairs(names) do
    local name = is_name(key) and key or "[" .. show(key, above, depth + 1) .. "]"
    parts[#parts + 1] = name .. " = " .. show(rawget(v, key), above, depth + 1)
  end
  above[v] = nil
  return "{" .. concat(parts, ", ") .. "}"
end

local function print(...)
  local parts = {...}
  for i = 1, select("#", ...) do parts[i] = show(parts[i], {}, 0) end
  host.write(1, concat(parts, "\t", 1, select("#", ...)) .. "\n")
end

parts.printing = {show = show, print = print}
