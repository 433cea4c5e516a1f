-- Frozen tables: the names of the host with their members, and handles, which stand for what the host keeps.
local _, _, parts = ...

local type, next, rawequal = type, next, rawequal
local setmetatable = setmetatable
local mathtype = math.type
local codec = parts.codec
local NULL, frozen, readonly = codec.NULL, codec.frozen, codec.readonly

local function meta(name, members, text)
  return {
    __index = members, __newindex = readonly(name), __metatable = name, __name = name,
    __pairs = function()
      local copy = {}
      for key, member in next, members do copy[key] = member end
      return next, copy, nil
    end,
    __tostring = text,
  }
end

local function freeze(kind)
  local t = setmetatable({}, kind)
  frozen[t] = kind.__newindex
  return t
end

local function namespace(name, members)
  return freeze(meta(name, members, function() return name end))
end

-- Handles. Only what is made here has a token: nothing else gets past `token_of`.
local classes, handles, tokens, texts = {}, {}, {}, {}
local function class(name)
  local known = classes[name]
  if not known then
    known = meta(name, {}, function(handle) return texts[handle] or name end)
    classes[name] = known
  end
  return known
end

local function handle_of(kind, token, text)
  local handle = handles[token]
  if not handle then
    handle = freeze(kind)
    handles[token], tokens[handle], texts[handle] = handle, token, text
  end
  return handle
end

local function with_handles(f, name)
  local kind = class(name)
  return function(...)
    local result = f(...)
    if result == nil then return nil end
    if mathtype(result[1]) == "integer" then return handle_of(kind, result[1], result[2]) end
    for i = 1, #result do result[i] = handle_of(kind, result[i][1], result[i][2]) end
    return result
  end
end

-- The token of a handle, or nil for anything else; false for nil and null.
local function token_of(v)
  if v == nil or rawequal(v, NULL) then return false end
  return type(v) == "table" and tokens[v] or nil
end

parts.frozen = {namespace = namespace, methods = function(name) return class(name).__index end, with_handles = with_handles, token_of = token_of}
