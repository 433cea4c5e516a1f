-- The sandbox: what is left of Lua's own library. The last file: after it a script finds nothing but what it may use.
local host, config, parts = ...

local type, ipairs, select, rawget, rawequal, error, pcall, xpcall, load = type, ipairs, select, rawget, rawequal, error, pcall, xpcall, load
local metatable, setmetatable, rawsetmetatable = debug.getmetatable, setmetatable, debug.setmetatable
local concat = table.concat
local collectgarbage = collectgarbage
local raise, LIST = parts.codec.raise, parts.codec.LIST
local coroutines = parts.coroutines
local cocreate, cowrap, resumed, with, polled, STOP = coroutines.create, coroutines.wrap, coroutines.resumed, coroutines.with, coroutines.polled, coroutines.STOP
local resume, close = coroutine.resume, coroutine.close
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
    local pieces = {}
    for piece in chunk do
      if piece == "" then break end
      pieces[#pieces + 1] = piece
    end
    chunk = concat(pieces)
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
if coroutines.is_polling then
  function env.pcall(...) return polled(pcall(...)) end
end
env.print, env.require = parts.printing.print, parts.script.require

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
