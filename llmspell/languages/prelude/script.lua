-- Running a script, and the modules that it requires.
local host, _, parts = ...

local type, ipairs, select, rawget, rawset, rawequal, error, pcall, xpcall, load = type, ipairs, select, rawget, rawset, rawequal, error, pcall, xpcall, load
local metatable, setmetatable = debug.getmetatable, setmetatable
local getinfo = debug.getinfo
local sub, spread = string.sub, table.unpack
local codec, coroutines = parts.codec, parts.coroutines
local LIST, Error, encode, raise = codec.LIST, codec.Error, codec.encode, codec.raise
local STOP, caught, stack_of, begin, finish = coroutines.STOP, coroutines.caught, coroutines.stack_of, coroutines.begin, coroutines.finish
local show = parts.printing.show
local env = _G

-- In the reach of a variable to be closed a `return f(x)` is no tail call: the frame, and so the line, stays in the stack.
local KEEP_FRAME = "local __frame <close> = nil "

-- Modules: text from the host, run once, by the path it came from; one that failed runs again with the next require.
local modules, loading, innermost = {}, {}, ""
local function require(name)
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

-- Running a script: true and the payload of its result, or false and a payload that describes the error.
local function run(source, path, arguments)
  local list = setmetatable({}, LIST)
  for i, argument in ipairs(arguments) do list[i] = argument end
  local arg = {[0] = path}
  for i, argument in ipairs(list) do arg[i] = argument end
  rawset(env, "args", list)
  rawset(env, "arg", arg)
  modules, loading, innermost = {}, {}, ""
  begin()
  local chunk, problem = load(KEEP_FRAME .. source, "@" .. path, "t", env)
  if not chunk then return false, encode({message = problem, syntax = true}, -1) end
  local stack
  local function handler(e)
    stack = stack_of(e)
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
  finish()
  return false, encode(report, -1)
end

parts.script = {run = run, require = require}
