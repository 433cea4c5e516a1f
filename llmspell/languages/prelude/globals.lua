-- The frozen names: what the host gives to scripts, and JSON's own members.
local host, _, parts = ...

local type, next, ipairs, select, rawequal, rawset = type, next, ipairs, select, rawequal, rawset
local metatable, setmetatable, rawsetmetatable = debug.getmetatable, setmetatable, debug.setmetatable
local codec = parts.codec
local LIST, NULL, list_length, raise, readonly = codec.LIST, codec.NULL, codec.list_length, codec.raise, codec.readonly
local bind, with_text = parts.binding.bind, parts.binding.with_text
local env = _G
local frozen = {} -- the names of the host

local refusals = {[NULL] = metatable(NULL).__newindex} -- frozen table -> what raises read_only for it
local function freeze(name, members)
  local refuse_write = readonly(name)
  local space = setmetatable({}, {
    __index = members, __newindex = refuse_write, __metatable = name, __name = name,
    __pairs = function()
      local copy = {}
      for key, member in next, members do copy[key] = member end
      return next, copy, nil
    end,
    __tostring = function() return name end,
  })
  refusals[space] = refuse_write
  return space
end

function env.rawset(t, key, value)
  if type(t) == "table" and refusals[t] then refusals[t]() end
  if rawequal(t, env) and frozen[key] ~= nil then raise(select(2, host.readonly(key))) end
  return rawset(t, key, value)
end

local natives = {
  JSON = {
    null = NULL,
    array = function(t)
      if t == nil then t = {} end
      local meta = metatable(t)
      if type(t) ~= "table" or (next(t) ~= nil and not list_length(t)) then
        raise(select(2, host.refuse("JSON.array", "the argument must be a table with the keys 1..n, got " .. (type(t) == "table" and "another table" or type(t)))))
      elseif meta ~= nil and not rawequal(meta, LIST) then
        raise(select(2, host.refuse("JSON.array", "the argument must be a table without a metatable")))
      end
      return rawsetmetatable(t, LIST)
    end,
  },
}

local spaces = {}
local function define(space, names, call, index, slots, has_options, is_structured, required, text_field)
  local f = bind(call, index, slots, has_options, is_structured, required)
  if text_field ~= "" then f = with_text(f, text_field) end
  if space == "" then
    for _, name in ipairs(names) do frozen[name] = f end
    return
  end
  local members = spaces[space]
  if not members then
    members = natives[space] or {}
    spaces[space] = members
    frozen[space] = freeze(space, members)
  end
  for _, name in ipairs(names) do members[name] = f end
end

local function seal()
  setmetatable(env, {
    __index = frozen,
    __newindex = function(t, key, value)
      if frozen[key] ~= nil then raise(select(2, host.readonly(key))) end
      rawset(t, key, value)
    end,
    __metatable = "_G",
    __pairs = function(t)
      local all = {}
      for key, value in next, frozen do all[key] = value end
      for key, value in next, t do all[key] = value end
      return next, all, nil
    end,
  })
end

parts.globals = {define = define, seal = seal}
