-- Binding: the functions of the host as functions of the script, and those of the script that the host calls back.
local host, _, parts = ...

local type, select, tostring, ipairs, rawget, rawequal, error, xpcall, load = type, select, tostring, ipairs, rawget, rawequal, error, xpcall, load
local metatable, rawsetmetatable = debug.getmetatable, debug.setmetatable
local byte, find, format, gmatch, sub = string.byte, string.find, string.format, string.gmatch, string.sub
local concat, spread = table.concat, table.unpack
local codec, coroutines = parts.codec, parts.coroutines
local LIST, NULL, Error, WORDS = codec.LIST, codec.NULL, codec.Error, codec.WORDS
local encode, encode_definition, decode, raise = codec.encode, codec.encode_definition, codec.decode, codec.raise
local token_of = parts.frozen.token_of
local stack, lose, now, back = coroutines.stack, coroutines.lose, coroutines.now, coroutines.back

-- Functions of the script that the host may call: tokens, valid while the host function runs that got them.
local callbacks, callback_count, callback_error = {}, 0, nil
local function keep(f)
  callback_count = callback_count + 1
  callbacks[callback_count] = f
  return callback_count
end

local lasting_count = 0 -- those that are kept for good have tokens below zero
local function keep_for_good(f)
  lasting_count = lasting_count - 1
  callbacks[lasting_count] = f
  return lasting_count
end

-- The text of an error, without running anything of the script's.
local function text_of(e)
  if rawequal(metatable(e), Error) then e = rawget(e, "message") end
  return type(e) == "string" and e or type(e) == "number" and format("%s", e) or "an error that is a " .. type(e)
end

local function handled(e)
  callback_error = {e, stack()}
  return e
end

-- A form is a function that makes one argument of its parts: a part is text, or a payload to be decoded.
local forms = {}
local function open(part)
  if byte(part, 1) == 0xc1 then return decode(part) end
  return part
end

local function prepare(source)
  forms[#forms + 1] = load(source, "=[llmspell]", "t", {})(open)
  return #forms
end

local function called(token, form, ...)
  local f = callbacks[token]
  if form > 0 then return encode((f(forms[form](...))), -1) end
  local arguments = {...}
  for i = 1, select("#", ...) do arguments[i] = decode(arguments[i]) end
  return encode((f(spread(arguments, 1, select("#", ...)))), -1)
end

local function invoke(token, form, ...)
  local before = now()
  callback_error = nil
  local ok, result = xpcall(called, handled, token, form, ...)
  back(before) -- a stop may have come between a coroutine's start and its becoming the running one
  if not ok and not callback_error then callback_error = {result} end -- running out of memory calls no handler
  if ok then return result end
  return false, text_of(callback_error[1])
end

-- Binding: one closure per function, by the number of its parameters.
local function fail(index, position, value)
  raise(select(2, host.mistyped(index, position, WORDS[type(value)] or type(value))))
end

local function finish(is_structured, reply, failure)
  if failure then
    if failure ~= true then raise(failure) end
    local e = callback_error or {"not enough memory"}
    callback_error = nil
    lose(e)
    error(e[1], 0)
  end
  if is_structured and reply then return decode(reply) end
  return reply
end

-- What makes a table of the fields of a record as they cross, each a result of its own; those behind a `*` are payloads.
local function constructor(layout)
  local names, parts = {}, {}
  for name, mark in gmatch(layout, "([%w_]+)(%*?)") do
    local i = #names + 1
    names[i] = "a" .. i
    parts[i] = format(mark == "*" and "[%q] = a%d and decode(a%d)" or "[%q] = a%d", name, i, i)
  end
  local list = concat(names, ", ")
  return load(format("local decode = ... return function(%s) return {%s} end", list, concat(parts, ", ")))(decode)
end

local function finish_record(layout)
  local construct
  return function(_, is_there, first, ...)
    if not is_there then return finish(false, is_there, first) end
    construct = construct or constructor(layout)
    return construct(first, ...)
  end
end

local function keeping(keeper)
  return function(v, index, position)
    if v == nil then return nil end
    if type(v) ~= "function" then fail(index, position, v) end
    return keeper(v)
  end
end

local READ = {
  s = function(v, index, position)
    local kind = type(v)
    if kind == "string" or kind == "number" or kind == "boolean" or v == nil then return v end
    if rawequal(v, NULL) then return nil end
    fail(index, position, v)
  end,
  v = encode,
  f = keeping(keep),
  F = keeping(keep_for_good),
  h = function(v, index, position)
    local token = token_of(v)
    if token == nil then fail(index, position, v) end
    return token or nil
  end,
  H = function(v, index, position)
    local token = token_of(v)
    if token == nil and type(v) ~= "string" then fail(index, position, v) end
    return token or type(v) == "string" and v or nil
  end,
  d = function(v, index) return v ~= nil and encode_definition(v, index, keep) or nil end,
  D = function(v, index) return v ~= nil and encode_definition(v, index, keep_for_good) or nil end,
}

local function bind(call, index, slots, options, is_structured, required, layout)
  local finish = layout ~= "" and finish_record(layout) or finish
  local n, read = #slots, {}
  for i = 1, n do read[i] = READ[sub(slots, i, i)] end
  local has_callback = find(slots, "[fd]")

  local function options_of(o, extra)
    if extra ~= nil or (o ~= nil and options == "") then
      raise(select(2, host.mistyped(index, n, "extra")))
    end
    if o == nil then return nil end
    if type(o) ~= "table" then fail(index, n, o) end
    return options == "h" and encode_definition(o, index, nil, token_of) or encode(o, index)
  end

  if n == 2 and not has_callback then
    local one, two = read[1], read[2]
    return function(a, b, o, extra)
      if o ~= nil or extra ~= nil then o = options_of(o, extra) end
      return finish(is_structured, call(one(a, index, 0), two(b, index, 1), o))
    end
  end
  if n == 3 and not has_callback then
    local one, two, three = read[1], read[2], read[3]
    return function(a, b, ...)
      if required == 3 and a ~= nil and b ~= nil and select("#", ...) == 0 then
        raise(select(2, host.mistyped(index, 2, "nothing"))) -- a nil that is written out is a value, a missing one a mistake
      end
      local c, o, extra = ...
      if o ~= nil or extra ~= nil then o = options_of(o, extra) end
      return finish(is_structured, call(one(a, index, 0), two(b, index, 1), three(c, index, 2), o))
    end
  end
  return function(...)
    local given, before = {...}, callback_count
    local o = options_of(given[n + 1], given[n + 2])
    for i = 1, n do given[i] = read[i](given[i], index, i - 1) end
    given[n + 1] = o
    if not has_callback then return finish(is_structured, call(spread(given, 1, n + 1))) end
    local function forget(...)
      for token = before + 1, callback_count do callbacks[token] = nil end
      callback_count = before
      return finish(is_structured, ...)
    end
    return forget(call(spread(given, 1, n + 1)))
  end
end

-- Results that read and concatenate like the text in one of their fields, and so do the items of a list of them.
local function with_text(f, field)
  local function text(t) return tostring(rawget(t, field)) end
  local meta = {__metatable = "result", __name = "result", __tostring = text}
  function meta.__concat(a, b)
    return (rawequal(metatable(a), meta) and text(a) or a) .. (rawequal(metatable(b), meta) and text(b) or b)
  end
  return function(...)
    local result = f(...)
    if type(result) == "table" then
      for _, item in ipairs(rawequal(metatable(result), LIST) and result or {result}) do
        if rawget(item, field) ~= nil then rawsetmetatable(item, meta) end
      end
    end
    return result
  end
end

parts.binding = {bind = bind, with_text = with_text, invoke = invoke, prepare = prepare}
