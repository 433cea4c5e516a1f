-- Hooks: functions that are asked before something happens to the state, or told after it.
--
-- Config: configs/state-enabled.toml ([state.hooks] timeout_ms bounds how long a hook may take, 5 s by default)
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/hooks/basic.lua

State.clear("hooks:basic")

-- Before a save: say nothing, and it goes on. Any text but "continue" and "skip" cancels it, with the text as the reason.
local guard = Hook.register("BeforeStateWrite", function(context)
  if context.data.new_value == "" then return "an empty note helps nobody" end
end, {name = "guard", scope = "hooks:basic"})

State.save("hooks:basic", "note", "buy tea")
local ok, problem = pcall(State.save, "hooks:basic", "note", "")
print(ok, problem)
print("Still there: " .. State.load("hooks:basic", "note"))

-- After a save, in the background: between the script's own steps, and before its end at the latest.
Hook.register("AfterStateWrite", function(context)
  print("  (told of " .. context.data.key .. ")")
end, {scope = "hooks:basic"})
State.save("hooks:basic", "mood", "curious")
sleep(0.2)

for _, hook in ipairs(Hook.list("BeforeStateWrite")) do
  print(hook.name .. " ran " .. hook.executions .. " times, with " .. hook.failures .. " failures")
end

-- A hook ends with its script, or before that.
print("Removed: " .. tostring(guard:unregister()))
State.save("hooks:basic", "note", "")
print("Now it may be empty: [" .. State.load("hooks:basic", "note") .. "]")
