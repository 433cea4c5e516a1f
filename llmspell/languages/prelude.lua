-- The Lua side of the host: the codec, the binding of host functions, readable printing, native errors, the sandbox.
-- Run once per engine, before any script, with the host's own functions in `host` and constants in `config`.
-- Everything that is used later is captured here, so that a script which changes `string` changes only itself.
local host, config = ...

local type, next, pairs, ipairs, select, tostring, rawlen, rawget, rawequal = type, next, pairs, ipairs, select, tostring, rawlen, rawget, rawequal
local error, pcall, xpcall, load, rawset = error, pcall, xpcall, load, rawset
local metatable, setmetatable, rawsetmetatable = debug.getmetatable, setmetatable, debug.setmetatable
local getmetatable = getmetatable
local getinfo, sethook, upvalueid = debug.getinfo, debug.sethook, debug.upvalueid
local mathtype, huge = math.type, math.huge
local byte, char, find, format, gsub, pack, sub, unpack = string.byte, string.char, string.find, string.format, string.gsub, string.pack, string.sub, string.unpack
local concat, sort, spread = table.concat, table.sort, table.unpack
local collectgarbage = collectgarbage
local utf8len = utf8.len
local MAX_DEPTH, WORDS = 128, {["function"] = "function", thread = "coroutine", userdata = "userdata"}

local raise
local function readonly(name)
  return function() raise(select(2, host.readonly(name))) end
end

-- Marks: a list that was loaded or made by JSON.array stays a list when it is empty; null keeps positions in lists.
local LIST = {__metatable = "list", __name = "list"}
local NULL = setmetatable({}, {__metatable = "null", __tostring = function() return "null" end, __newindex = readonly("JSON.null")})

-- Errors: tables that read and concatenate like a string.
local Error = {__metatable = "error", __name = "error"}
function Error.__tostring(e)
  local call, message = rawget(e, "call"), rawget(e, "message")
  return call and call .. ": " .. tostring(message) or tostring(message)
end
function Error.__concat(a, b)
  return (type(a) == "table" and tostring(a) or a) .. (type(b) == "table" and tostring(b) or b)
end

-- Encoding: MessagePack after the byte 0xc1. A problem ends the encoding; `locate` then finds its path.
local FIXINT, FIXSTR, FIXLIST, FIXMAP = {}, {}, {}, {}
for i = -32, 127 do FIXINT[i] = char(i & 0xff) end
for i = 0, 31 do FIXSTR[i] = char(0xa0 + i) end
for i = 0, 15 do FIXLIST[i], FIXMAP[i] = char(0x90 + i), char(0x80 + i) end

local function is_text(s)
  return not find(s, "[\128-\255]") or utf8len(s) ~= nil
end

local function encode_integer(v)
  if v >= 0 then
    if v < 0x100 then return pack(">BB", 0xcc, v) elseif v < 0x10000 then return pack(">BI2", 0xcd, v)
    elseif v < 0x100000000 then return pack(">BI4", 0xce, v) end
  elseif v >= -0x80 then return pack(">Bi1", 0xd0, v) elseif v >= -0x8000 then return pack(">Bi2", 0xd1, v)
  elseif v >= -0x80000000 then return pack(">Bi4", 0xd2, v) end
  return pack(">Bi8", 0xd3, v)
end

local function text_head(n)
  return FIXSTR[n] or n < 0x100 and pack(">BB", 0xd9, n) or n < 0x10000 and pack(">BI2", 0xda, n) or pack(">BI4", 0xdb, n)
end

local function bytes_head(n)
  return n < 0x100 and pack(">BB", 0xc4, n) or n < 0x10000 and pack(">BI2", 0xc5, n) or pack(">BI4", 0xc6, n)
end

-- How many items a table has as a list, or nil when it is a map.
local function list_length(t)
  local n = rawlen(t)
  if n == 0 then
    return next(t) == nil and rawequal(metatable(t), LIST) and 0 or nil
  end
  local count = 0
  for key in next, t do
    if mathtype(key) ~= "integer" or key < 1 or key > n then return nil end
    count = count + 1
  end
  return count == n and n or nil
end

local keys, key_count = {}, 0 -- encoded text keys; bounded, since scripts may make keys without end
local function encode_key(key)
  local head
  if type(key) == "string" and is_text(key) then
    head = text_head(#key) .. key
    if key_count < 4096 and #key < 64 then keys[key], key_count = head, key_count + 1 end
  elseif mathtype(key) == "integer" then
    head = FIXINT[key] or encode_integer(key)
  end
  return head
end

local refuse, buffer, keep_inside -- what keeps a function that stands in the value being encoded, where it may
local function put(v, b, n, depth)
  local kind = type(v)
  n = n + 1
  if kind == "string" then
    b[n] = is_text(v) and text_head(#v) or bytes_head(#v)
    n = n + 1
    b[n] = v
  elseif kind == "number" then
    if mathtype(v) == "integer" then b[n] = FIXINT[v] or encode_integer(v)
    elseif v ~= v or v == huge or v == -huge then refuse()
    else b[n] = pack(">Bd", 0xcb, v) end
  elseif kind == "boolean" then b[n] = v and "\xc3" or "\xc2"
  elseif kind == "table" then
    if rawequal(v, NULL) then b[n] = "\xc0" return n end -- `==` would call the script's __eq
    if depth == MAX_DEPTH then refuse() end
    depth = depth + 1
    local length = list_length(v)
    if length then
      b[n] = FIXLIST[length] or length < 0x10000 and pack(">BI2", 0xdc, length) or pack(">BI4", 0xdd, length)
      for i = 1, length do n = put(rawget(v, i), b, n, depth) end
    else
      local head, count = n, 0
      for key, item in next, v do
        count, n = count + 1, n + 1
        b[n] = keys[key] or encode_key(key) or refuse()
        n = put(item, b, n, depth)
      end
      b[head] = FIXMAP[count] or count < 0x10000 and pack(">BI2", 0xde, count) or pack(">BI4", 0xdf, count)
    end
  elseif v == nil then b[n] = "\xc0"
  elseif keep_inside and kind == "function" then b[n] = pack(">BBi4", 0xd6, 1, keep_inside(v)) -- an extension of MessagePack
  else refuse() end
  return n
end

local root, root_function -- what is being encoded, for `refuse`
buffer = {"\xc1"}
local function encode(v, index)
  root, root_function, keep_inside = v, index, nil
  local n = put(v, buffer, 1, 0)
  local payload = concat(buffer, "", 1, n)
  root = nil
  if n > 4096 then buffer = {"\xc1"} end
  return payload
end

-- A value in which functions may stand; `keeper` gives each its token.
local function encode_definition(v, index, keeper)
  root, root_function, keep_inside = v, index, keeper
  local payload = concat(buffer, "", 1, put(v, buffer, 1, 0))
  root, keep_inside = nil, nil
  buffer = {"\xc1"}
  return payload
end

local function step(path, key)
  if mathtype(key) == "integer" then return format("%s[%d]", path, key) end
  if type(key) == "string" and find(key, "^[%a_][%w_]*$") then return path .. "." .. key end
  return type(key) == "string" and format("%s[%q]", path, key) or format("%s[%s]", path, tostring(key))
end

local function locate(v, path, depth, above)
  local kind = type(v)
  if WORDS[kind] and not (keep_inside and kind == "function") then return path, "cannot store a " .. WORDS[kind] end
  if kind == "number" and mathtype(v) == "float" and (v ~= v or v == huge or v == -huge) then
    return path, "cannot store " .. (v ~= v and "NaN" or "an infinite number")
  end
  if kind ~= "table" or rawequal(v, NULL) then return end
  if above[v] then return path, "cannot store a cycle" end
  if depth == MAX_DEPTH then return #path > 60 and sub(path, 1, 40) .. "..." or path, "nested deeper than 128 levels" end
  above[v] = true
  for key, item in next, v do
    if mathtype(key) ~= "integer" and not (type(key) == "string" and is_text(key)) then
      local word = type(key) == "string" and "key of bytes that are no UTF-8" or type(key) == "number" and "float key" or type(key) .. " key"
      return step(path, type(key) == "string" and "?" or key), "cannot store a " .. word
    end
    local where, problem = locate(item, step(path, key), depth + 1, above)
    if where then return where, problem end
  end
  above[v] = nil
end

-- Decoding: the inverse; position 1 is the first byte after the marker.
local decode_item
local function decode_list(s, p, n)
  local t = setmetatable({}, LIST)
  for i = 1, n do
    local v
    v, p = decode_item(s, p)
    if v == nil then v = NULL end
    t[i] = v
  end
  return t, p
end

local function decode_map(s, p, n)
  local t = {}
  for _ = 1, n do
    local key, v
    key, p = decode_item(s, p)
    v, p = decode_item(s, p)
    t[key] = v
  end
  return t, p
end

local DECODE = {
  [0xc0] = function(_, p) return nil, p end, [0xc2] = function(_, p) return false, p end, [0xc3] = function(_, p) return true, p end,
  [0xc4] = function(s, p) return unpack(">s1", s, p) end, [0xc5] = function(s, p) return unpack(">s2", s, p) end,
  [0xc6] = function(s, p) return unpack(">s4", s, p) end, [0xca] = function(s, p) return unpack(">f", s, p) end,
  [0xcb] = function(s, p) return unpack(">d", s, p) end, [0xcc] = function(s, p) return byte(s, p), p + 1 end,
  [0xcd] = function(s, p) return unpack(">I2", s, p) end, [0xce] = function(s, p) return unpack(">I4", s, p) end,
  [0xcf] = function(s, p) return unpack(">i8", s, p) end, [0xd0] = function(s, p) return unpack(">i1", s, p) end,
  [0xd1] = function(s, p) return unpack(">i2", s, p) end, [0xd2] = function(s, p) return unpack(">i4", s, p) end,
  [0xd3] = function(s, p) return unpack(">i8", s, p) end, [0xd9] = function(s, p) return unpack(">s1", s, p) end,
  [0xda] = function(s, p) return unpack(">s2", s, p) end, [0xdb] = function(s, p) return unpack(">s4", s, p) end,
  [0xdc] = function(s, p) local n, q = unpack(">I2", s, p) return decode_list(s, q, n) end,
  [0xdd] = function(s, p) local n, q = unpack(">I4", s, p) return decode_list(s, q, n) end,
  [0xde] = function(s, p) local n, q = unpack(">I2", s, p) return decode_map(s, q, n) end,
  [0xdf] = function(s, p) local n, q = unpack(">I4", s, p) return decode_map(s, q, n) end,
}

function decode_item(s, p)
  local c = byte(s, p)
  if c < 0x80 then return c, p + 1
  elseif c >= 0xe0 then return c - 256, p + 1
  elseif c < 0x90 then return decode_map(s, p + 1, c - 0x80)
  elseif c < 0xa0 then return decode_list(s, p + 1, c - 0x90)
  elseif c < 0xc0 then return sub(s, p + 1, p + c - 0xa0), p + 1 + c - 0xa0 end
  return DECODE[c](s, p + 1)
end

local function decode(payload)
  return (decode_item(payload, 2))
end

-- Interrupts. `current` is the running coroutine: the host reads it, through its upvalue, to know whom to stop.
local running, create, resume, close, status, isyieldable, yield = coroutine.running, coroutine.create, coroutine.resume, coroutine.close, coroutine.status, coroutine.isyieldable, coroutine.yield
local STOP, stop_stack, is_unwinding = {}, nil, false
local frames, stop, tick
local count = 0
local current = running()

function stop()
  if host.is_stopping() then
    if not stop_stack then stop_stack = frames() end
  elseif not host.is_late() then
    is_unwinding = false -- the function that was late has ended; the rest of the script goes on
    return sethook(tick, "", count)
  end
  is_unwinding = true
  sethook(stop, "", 1) -- again at the next instruction: no pcall outlasts it
  error(STOP, 0)
end
tick = stop -- registered, and free of cost until the host sets the mask
if config.instructions > 0 then
  local left = config.instructions
  count = left < 1000 and left or 1000
  tick = function()
    left = left - count
    if left < 0 then host.exhausted() end
    if left < 0 or host.is_stopping() or host.is_late() then stop() end
  end
elseif not config.can_hook then
  count = 10000
  tick = function()
    if host.is_stopping() or host.is_late() then stop() end
  end
end
sethook(tick, "", count)

-- Where the stack or the memory is used up, a hook that polls fails, as anything does, and its error can be caught. So whoever
-- catches such an error polls by itself; it stands further up, where there is room again.
local function polled(ok, ...)
  local e = ...
  if not ok and type(e) == "string" and (find(e, "stack", 1, true) or find(e, "memory", 1, true) or find(e, "error handling", 1, true)) then
    tick()
  end
  return ok, ...
end
if count == 0 then
  polled = function(...) return ... end -- set on demand, the hook fires again at every instruction
end

local function returned(previous, ...)
  current = previous
  if is_unwinding then sethook(stop, "", 1) end
  return ...
end

-- What a coroutine's function raises is caught inside the coroutine and comes out as a result behind FAILED. An error that
-- left a coroutine out of a hook would leave its hooks off, and whatever then runs in it (__close) without limits.
local FAILED = {}
local lost -- where the last of these errors came from: {error, frames}
local function caught(e)
  lost = {e, stop_stack or frames()}
  return e
end

local function settled(ok, ...)
  if ok then return ... end
  return FAILED, (...)
end

local function resumed(ok, first, ...)
  if rawequal(first, FAILED) then return polled(false, (...)) end
  return polled(ok, first, ...)
end

-- Act on `co` as the running coroutine. The pcall is for errors of the acting itself: `current` must not stay behind.
local function relay(ok, ...)
  if ok then return ... end
  error((...), 0)
end

local function with(co, act, ...)
  local previous = current
  current = co
  return relay(returned(previous, pcall(act, co, ...)))
end

local function cowrap(co)
  return function(...)
    return relay(resumed(with(co, resume, ...)))
  end
end

local function cocreate(f)
  if type(f) ~= "function" then return create(f) end -- Lua's own complaint
  local co = create(function(...) return settled(xpcall(f, caught, ...)) end)
  if config.instructions > 0 then tick() end -- what a coroutine leaves of its count is paid for in advance
  sethook(co, tick, "", count)
  return co
end

-- Stacks: the script's own frames, innermost first, as {file, line, name}.
function frames(co)
  local list, level = setmetatable({}, LIST), co and 0 or 1
  while #list < 50 do
    local info
    if co then info = getinfo(co, level, "Sln") else info = getinfo(level, "Sln") end
    if not info then break end
    level = level + 1
    if sub(info.source, 1, 1) == "@" then
      list[#list + 1] = {file = sub(info.source, 2), line = info.currentline, name = info.what == "main" and "the script" or info.name or "a function"}
    end
  end
  return list
end

-- Errors from replies.
function raise(payload)
  while host.is_stopping() do end -- nothing of the script runs until the stop takes effect
  error(rawsetmetatable(decode(payload), Error), 0)
end

function refuse()
  local index = root_function
  local path, problem = locate(root, "$", 0, {}) -- may run the script's __tostring, and so another encoding
  root = nil
  raise(select(2, host.unstorable(index, path, problem)))
end

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

local function invoke(token, ...)
  local arguments = {...}
  for i = 1, select("#", ...) do arguments[i] = decode(arguments[i]) end
  local handled = function(e)
    callback_error = {e, stop_stack or frames()}
    return e
  end
  local before = current
  callback_error = nil
  local ok, result = xpcall(function(...) return encode((callbacks[token](...)), -1) end, handled, spread(arguments, 1, select("#", ...)))
  current = before -- a stop may have come between a coroutine's start and its becoming the running one
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
    lost = e
    error(e[1], 0)
  end
  if is_structured and reply then return decode(reply) end
  return reply
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
  d = function(v, index) return v ~= nil and encode_definition(v, index, keep) or nil end,
  D = function(v, index) return v ~= nil and encode_definition(v, index, keep_for_good) or nil end,
}

local function bind(call, index, slots, has_options, is_structured, required)
  local n, read = #slots, {}
  for i = 1, n do read[i] = READ[sub(slots, i, i)] end
  local has_callback = find(slots, "[fd]")

  local function options_of(o, extra)
    if extra ~= nil or (o ~= nil and not has_options) then
      raise(select(2, host.mistyped(index, n, "extra")))
    end
    if o == nil then return nil end
    if type(o) ~= "table" then fail(index, n, o) end
    return encode(o, index)
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

local frozen = {} -- the names of the host

-- Readable printing.
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

-- The sandbox: what is left of Lua's own library, and the frozen names of the host.
local env = _G
local safe_os = {time = os.time, date = os.date, clock = os.clock, difftime = os.difftime}
local full_io, full_os = io, os

local function exit(code)
  if code == nil or code == true then code = 0 elseif code == false then code = 1 end
  local _, failure = host.exit(code)
  if failure then raise(failure) end
  while true do end -- until the host's interrupt arrives; nothing of the script runs after an exit
end

for _, name in ipairs {"debug", "io", "os", "package", "require", "dofile", "loadfile", "python", "collectgarbage", "load", "print"} do env[name] = nil end
string.dump = nil
metatable("").__metatable = false
metatable(host.write).__metatable = false -- all functions of the host share it

function env.load(chunk, name, _, scope, ...)
  if type(chunk) == "function" then
    local parts = {}
    for part in chunk do
      if part == "" then break end
      parts[#parts + 1] = part
    end
    chunk = concat(parts)
  end
  if select("#", ...) > 0 or scope ~= nil then return load(chunk, name or "=(load)", "t", scope) end
  return load(chunk, name or "=(load)", "t", env)
end

function env.collectgarbage(what, ...)
  if what ~= nil and what ~= "count" and what ~= "collect" and what ~= "step" then
    error("collectgarbage: only 'count', 'collect' and 'step' are available", 2)
  end
  return collectgarbage(what, ...)
end

-- A finalizer would run with hooks off, where no limit holds.
function env.setmetatable(t, meta)
  if type(meta) == "table" and rawget(meta, "__gc") ~= nil then error("setmetatable: __gc is not available to scripts", 2) end
  if type(t) == "table" and rawequal(metatable(t), LIST) and (type(meta) == "table" or meta == nil) then
    return rawsetmetatable(t, meta) -- the mark of a list protects itself from change, not the list from a metatable
  end
  return setmetatable(t, meta)
end

coroutine.create = cocreate
coroutine.wrap = function(f) return cowrap(cocreate(f)) end
function coroutine.resume(co, ...)
  if type(co) ~= "thread" then return resume(co) end
  return resumed(with(co, resume, ...))
end
function coroutine.close(co)
  if type(co) ~= "thread" then return close(co) end
  return polled(with(co, close))
end

-- A message handler runs where the error was raised, which may be inside a hook, where no limit holds: in a coroutine of its
-- own it has hooks of its own.
function env.xpcall(f, handler, ...)
  if type(handler) ~= "function" then return xpcall(f, handler, ...) end
  local e
  local function finish(ok, ...)
    if not ok then polled(false, e) end
    return polled(ok, ...)
  end
  return finish(xpcall(f, function(raised)
    e = raised
    if rawequal(e, STOP) then return e end
    local _, result = resumed(with(cocreate(handler), resume, e))
    return result
  end, ...))
end
if count > 0 then
  function env.pcall(...) return polled(pcall(...)) end
end
env.print = print

-- Files and variables: Lua's own functions, each behind the grants.
local function granted(path)
  if path ~= nil then
    local real, failure = host.open(path)
    if failure then raise(failure) end
    return real
  end
end

local function open_guarded(f)
  return function(path, ...)
    if type(path) == "string" or type(path) == "number" then path = granted(path) end
    return f(path, ...)
  end
end

local function made_in_tmp(f) -- C's own place for temporary files
  return function()
    granted("/tmp/lua_")
    return f()
  end
end

local function unavailable(call, hint)
  return function() raise(select(2, host.denied(call, hint))) end
end

if config.stdlib ~= "none" then
  env.os = safe_os
  safe_os.getenv = function(name) return (host.getenv(name)) end
  safe_os.exit = exit
end
if config.stdlib == "full" then
  rawget(metatable(full_io.stdout), "__index").setvbuf = nil
  metatable(full_io.stdout).__metatable = false
  env.io = {
    open = open_guarded(full_io.open), lines = open_guarded(full_io.lines), input = open_guarded(full_io.input),
    output = open_guarded(full_io.output), read = full_io.read, write = function(...)
      host.write(1, concat({...}))
      return full_io.stdout
    end, close = full_io.close, type = full_io.type, stderr = full_io.stderr, stdout = full_io.stdout, stdin = full_io.stdin,
    popen = unavailable("io.popen", "allow_process_spawn"), tmpfile = made_in_tmp(full_io.tmpfile),
  }
  safe_os.remove = open_guarded(full_os.remove)
  safe_os.rename = function(from, to) return full_os.rename(granted(from), granted(to)) end
  safe_os.tmpname = made_in_tmp(full_os.tmpname)
  safe_os.setlocale = unavailable("os.setlocale", "nothing: the locale belongs to the whole process")
  safe_os.execute = unavailable("os.execute", "allow_process_spawn")
end

-- In the reach of a variable to be closed a `return f(x)` is no tail call: the frame, and so the line, stays in the stack.
local KEEP_FRAME = "local __frame <close> = nil "

-- Modules: text from the host, run once, by the path it came from; one that failed runs again with the next require.
local modules, loading, innermost = {}, {}, ""
function env.require(name)
  local caller, importer = getinfo(2, "S"), innermost
  if caller and sub(caller.source, 1, 1) == "@" and not getinfo(1, "t").istailcall then importer = sub(caller.source, 2) end
  local path, text, failure = host.module(name, importer)
  if failure then raise(failure) end
  if loading[path] then
    raise(select(2, host.refuse("require", "the module '" .. name .. "' is still loading: modules require each other in a circle")))
  end
  if modules[path] == nil then
    local chunk, problem = load(KEEP_FRAME .. text, "@" .. path, "t", env)
    if not chunk then error(problem, 0) end
    local outer = innermost
    loading[path], innermost = true, path
    local ok, result = xpcall(chunk, caught, name, path)
    loading[path], innermost = nil, outer
    if not ok then error(result, 0) end
    if result == nil then result = true end
    modules[path] = result
  end
  return modules[path], path
end

-- The frozen names.
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

-- Running a script: true and the payload of its result, or false and a payload that describes the error.
local function run(source, path, arguments)
  local list = setmetatable({}, LIST)
  for i, argument in ipairs(arguments) do list[i] = argument end
  local arg = {[0] = path}
  for i, argument in ipairs(list) do arg[i] = argument end
  rawset(env, "args", list)
  rawset(env, "arg", arg)
  modules, loading, innermost, lost = {}, {}, "", nil
  local chunk, problem = load(KEEP_FRAME .. source, "@" .. path, "t", env)
  if not chunk then return false, encode({message = problem, syntax = true}, -1) end
  local stack
  local function handler(e)
    stack = stop_stack or lost and rawequal(lost[1], e) and lost[2] or frames()
    return e
  end
  local ok, result = xpcall(function() return encode((chunk(spread(list))), -1) end, handler)
  if ok then return true, result end
  local e, report = result, {stack = stack or setmetatable({}, LIST)}
  if rawequal(metatable(e), Error) then
    for _, field in ipairs {"code", "message", "hint", "call"} do -- the script may have changed them
      local text = rawget(e, field)
      if type(text) == "string" then report[field] = text end
    end
    report.message = report.message or "an error without a message"
  elseif rawequal(e, STOP) then
    report.message = "stopped"
  elseif type(e) == "string" then
    report.message = e
  else
    local shown, text = pcall(show, e, {}, 0)
    report.message, report.value = shown and text or type(e), true
  end
  stop_stack = nil
  return false, encode(report, -1)
end

return define, seal, run, invoke, format("%p", upvalueid(returned, 1)), format("%p", current), function(on) sethook(tick, "", on and 1 << 30 or 0) end
