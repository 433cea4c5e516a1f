-- The frozen names: what the host gives to scripts, and JSON's own members.
local host, _, parts = ...

local type, next, ipairs, select, rawequal, rawset = type, next, ipairs, select, rawequal, rawset
local metatable, setmetatable, rawsetmetatable = debug.getmetatable, setmetatable, debug.setmetatable
local match = string.match
local codec = parts.codec
local LIST, NULL, list_length, raise = codec.LIST, codec.NULL, codec.list_length, codec.raise
local bind, with_text = parts.binding.bind, parts.binding.with_text
local namespace, methods, with_handles = parts.frozen.namespace, parts.frozen.methods, parts.frozen.with_handles
local env = _G
local names = {} -- those of the host

function env.rawset(t, key, value)
  if type(t) == "table" and codec.frozen[t] then codec.frozen[t]() end
  if rawequal(t, env) and names[key] ~= nil then raise(select(2, host.readonly(key))) end
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
local function members_of(space)
  local members = spaces[space]
  if not members then
    local above, name = match(space, "^(.*)%.(.*)$")
    members = natives[space] or {}
    spaces[space] = members
    local within = above and members_of(above) or names
    within[name or space] = namespace(space, members)
  end
  return members
end

-- One function of the host: a member of a global, a method of a class of handles, or a constant, which is called here and now.
local function define(space, spellings, kind, call, index, slots, options, is_structured, required, text_field, handle, layout)
  local member = bind(call, index, slots, options, is_structured, required, layout)
  if text_field ~= "" then member = with_text(member, text_field) end
  if handle ~= "" then member = with_handles(member, handle) end
  if kind == "constant" then member = member() end
  local members = kind == "method" and methods(space) or space == "" and names or members_of(space)
  for _, name in ipairs(spellings) do members[name] = member end
end

local function seal()
  setmetatable(env, {
    __index = names,
    __newindex = function(t, key, value)
      if names[key] ~= nil then raise(select(2, host.readonly(key))) end
      rawset(t, key, value)
    end,
    __metatable = "_G",
    __pairs = function(t)
      local all = {}
      for key, value in next, names do all[key] = value end
      for key, value in next, t do all[key] = value end
      return next, all, nil
    end,
  })
end

parts.globals = {define = define, seal = seal}
