-- Coroutines and interrupts: who runs, how it is stopped from outside, and where it stands.
local host, config, parts = ...

local type, select, rawequal, error, pcall, xpcall = type, select, rawequal, error, pcall, xpcall
local setmetatable = setmetatable
local getinfo, sethook, upvalueid = debug.getinfo, debug.sethook, debug.upvalueid
local find, format, sub = string.find, string.format, string.sub
local running, create, resume = coroutine.running, coroutine.create, coroutine.resume
local LIST = parts.codec.LIST

-- `current` is the running coroutine: the host reads it, through its upvalue, to know whom to stop.
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

-- Where the script stands, or stood when it was stopped.
local function stack()
  return stop_stack or frames()
end

-- Where an error came from.
local function stack_of(e)
  return stop_stack or lost and rawequal(lost[1], e) and lost[2] or frames()
end

parts.coroutines = {
  STOP = STOP, caught = caught, create = cocreate, wrap = cowrap, polled = polled, resumed = resumed, with = with, stack = stack,
  stack_of = stack_of, is_polling = count > 0, cell = format("%p", upvalueid(returned, 1)), main = format("%p", current),
  lose = function(e) lost = e end, -- {error, frames}
  begin = function() lost = nil end,
  finish = function() stop_stack = nil end,
  now = function() return current end,
  back = function(previous) current = previous end,
  switch = function(on) sethook(tick, "", on and 1 << 30 or 0) end,
}
