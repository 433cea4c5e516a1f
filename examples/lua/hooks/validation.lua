-- Validation: what may be saved and deleted, what happens when two writers meet, and a rule that must not fail silently.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/hooks/validation.lua

State.clear("hooks:shop")

-- on_error = "cancel": if this hook itself fails, or takes too long, nothing is saved. Without it, a failure is a warning.
Hook.register("BeforeStateWrite", function(context)
  local order = context.data.new_value
  if type(order) ~= "table" then return "an order is a table" end
  if order.amount <= 0 then return {type = "cancel", reason = "the amount must be above 0"} end
end, {name = "orders", scope = "hooks:shop", key = "order:*", on_error = "cancel"})

Hook.register("BeforeStateDelete", function(context)
  if context.data.old_value and context.data.old_value.paid then return "paid orders stay" end
end, {name = "keep paid", scope = "hooks:shop"})

local function try(what, ...)
  local ok, problem = pcall(...)
  print(what .. ": " .. (ok and "done" or problem.code .. ", " .. problem.message))
end

try("a good order", State.save, "hooks:shop", "order:1", {amount = 5, paid = true})
try("nothing to pay", State.save, "hooks:shop", "order:2", {amount = 0})
try("no order", State.save, "hooks:shop", "order:3", "tea")
try("a deletion", State.delete, "hooks:shop", "order:1")
try("clearing all", State.clear, "hooks:shop")
print(State.count("hooks:shop") .. " order is stored")

-- Rules hold in transactions too: what one of them cancels undoes the whole.
try("two orders at once", State.transaction, function()
  State.save("hooks:shop", "order:4", {amount = 1})
  State.save("hooks:shop", "order:5", {amount = -1})
end)
print("order:4 is there: " .. tostring(State.exists("hooks:shop", "order:4")))

-- A conflict can be resolved: here both writers' items are kept.
State.save("hooks:shop", "basket", {tea = 1})
Hook.register("StateConflict", function(context)
  local merged = context.data.old_value
  for item, count in pairs(context.data.new_value) do merged[item] = count end
  return {type = "replace", data = merged}
end, {scope = "hooks:shop", key = "basket"})
State.save("hooks:shop", "basket", {milk = 2}, {if_version = 0})
local basket = State.load("hooks:shop", "basket")
print("tea " .. basket.tea .. ", milk " .. basket.milk)
