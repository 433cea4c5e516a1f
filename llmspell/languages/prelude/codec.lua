-- The codec: values as payloads, the marks they carry in Lua, and the errors that are made from a reply.
-- A file of the prelude runs once per engine, before any script, with the functions of the host, the limits, and what the files
-- before it gave. What is used later is captured at its head, so that a script which changes `string` changes only itself.
local host, _, parts = ...

local type, next, select, tostring, rawlen, rawget, rawequal, error = type, next, select, tostring, rawlen, rawget, rawequal, error
local metatable, setmetatable, rawsetmetatable = debug.getmetatable, setmetatable, debug.setmetatable
local mathtype, huge = math.type, math.huge
local byte, char, find, format, pack, sub, unpack = string.byte, string.char, string.find, string.format, string.pack, string.sub, string.unpack
local concat = table.concat
local utf8len = utf8.len
local MAX_DEPTH, WORDS = 128, {["function"] = "function", thread = "coroutine", userdata = "userdata"}

local raise
local function readonly(name)
  return function() raise(select(2, host.readonly(name))) end
end

-- Marks: a list that was loaded or made by JSON.array stays a list when it is empty; null keeps positions in lists.
local LIST = {__metatable = "list", __name = "list"}
local NULL = setmetatable({}, {__metatable = "null", __tostring = function() return "null" end, __newindex = readonly("JSON.null")})

-- What belongs to the host and is no value: its names, handles, null. Each with what raises read_only for it.
local frozen = {[NULL] = metatable(NULL).__newindex}

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
  return utf8len(s) ~= nil
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

-- What gives the token of a function, or of a handle, that stands in the value being encoded, where it may.
local refuse, buffer, keep_inside, hold_inside
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
      for i = 1, length do
        local item = v[i] -- there is one, so no metamethod is asked
        local small = FIXINT[item]
        if small and mathtype(item) == "integer" then
          n = n + 1
          b[n] = small
        else
          n = put(item, b, n, depth)
        end
      end
    else
      local head, count = n, 0
      for key, item in next, v do
        count, n = count + 1, n + 1
        b[n] = keys[key] or encode_key(key) or refuse()
        local small = FIXINT[item]
        if small and mathtype(item) == "integer" then
          n = n + 1
          b[n] = small
        else
          n = put(item, b, n, depth)
        end
      end
      if count == 0 and frozen[v] then
        local token = hold_inside and hold_inside(v)
        b[head] = token and pack(">BBi4", 0xd6, 1, token) or refuse()
        return n
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
  if v == nil then return "\xc1\xc0" end
  if type(v) == "string" then return "\xc1" .. (is_text(v) and text_head(#v) or bytes_head(#v)) .. v end
  root, root_function, keep_inside, hold_inside = v, index, nil, nil
  local n = put(v, buffer, 1, 0)
  local payload = concat(buffer, "", 1, n)
  root = nil
  if n > 4096 then buffer = {"\xc1"} end
  return payload
end

-- A value in which functions or handles may stand; `keeper` and `holder` give each its token.
local function encode_definition(v, index, keeper, holder)
  root, root_function, keep_inside, hold_inside = v, index, keeper, holder
  local payload = concat(buffer, "", 1, put(v, buffer, 1, 0))
  root, keep_inside, hold_inside = nil, nil, nil
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
  if frozen[v] then
    if hold_inside and hold_inside(v) then return end
    return path, "cannot store " .. metatable(v).__name
  end
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
  local t = setmetatable(n < 2 and {} or n <= 4 and {nil, nil, nil, nil} or {}, LIST)
  for i = 1, n do
    local v, c = nil, byte(s, p)
    if c < 0x80 then v, p = c, p + 1 else v, p = decode_item(s, p) end
    if v == nil then v = NULL end
    t[i] = v
  end
  return t, p
end

-- A map with room for n fields: filling an empty one makes it grow, and move what is in it, again and again.
local function roomy(n)
  if n < 2 or n > 8 then return {} elseif n == 2 then return {a = nil, b = nil}
  elseif n <= 4 then return {a = nil, b = nil, c = nil, d = nil} end
  return {a = nil, b = nil, c = nil, d = nil, e = nil, f = nil, g = nil, h = nil}
end

local function decode_map(s, p, n)
  local t = roomy(n)
  for _ = 1, n do
    local key, c = nil, byte(s, p)
    if c >= 0xa0 and c < 0xc0 then -- short text, as nearly every key is
      local after = p + c - 0x9f
      key, p = sub(s, p + 1, after - 1), after
    else
      key, p = decode_item(s, p)
    end
    c = byte(s, p)
    if c < 0x80 then t[key], p = c, p + 1
    elseif c >= 0xa0 and c < 0xc0 then
      local after = p + c - 0x9f
      t[key], p = sub(s, p + 1, after - 1), after
    else
      t[key], p = decode_item(s, p)
    end
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

parts.codec = {
  LIST = LIST, NULL = NULL, Error = Error, WORDS = WORDS, list_length = list_length, encode = encode, encode_definition = encode_definition,
  decode = decode, raise = raise, readonly = readonly, frozen = frozen,
}
