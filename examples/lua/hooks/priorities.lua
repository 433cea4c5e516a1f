-- Priorities: in which order hooks run, and how the next one sees what the one before has changed.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/hooks/priorities.lua

State.clear("hooks:order")

local function add(word)
  return function(context)
    return {type = "modified", data = {new_value = context.data.new_value .. " " .. word}}
  end
end

-- Registered in any order, they run from highest to lowest; of equal ones, the first that was registered.
Hook.register("BeforeStateWrite", add("lowest"), "lowest")
Hook.register("BeforeStateWrite", add("normal"))
Hook.register("BeforeStateWrite", add("highest"), "highest")
Hook.register("BeforeStateWrite", add("high"), {priority = "high"})

for place, hook in ipairs(Hook.list("BeforeStateWrite")) do
  print(place .. ". " .. hook.priority)
end
State.save("hooks:order", "word", "start")
print(State.load("hooks:order", "word"))

-- "replace" says what the value is, and ends the chain: nobody after it runs.
Hook.register("BeforeStateWrite", function(context)
  if context.data.key == "final" then return {type = "replace", data = "decided"} end
end, "highest")
State.save("hooks:order", "final", "start")
print(State.load("hooks:order", "final"))
