-- Changing data: what is saved is tidied up, what is read is dressed up, and some keys live elsewhere.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/hooks/data_modification.lua

State.clear("hooks:people")
State.clear("hooks:archive")

-- "modified": the fields of its data replace those of the context's data.
Hook.register("BeforeStateWrite", function(context)
  local person = context.data.new_value
  person.email = person.email:lower()
  person.revision = ((context.data.old_value or {}).revision or 0) + 1
  return {type = "modified", data = {new_value = person}}
end, {scope = "hooks:people", key = "person:*"})

State.save("hooks:people", "person:1", {name = "Ada", email = "Ada@Example.COM"})
State.save("hooks:people", "person:1", {name = "Ada L.", email = "ADA@example.com"})
local ada = State.load("hooks:people", "person:1")
print(ada.name .. " <" .. ada.email .. ">, revision " .. ada.revision)

-- A read can be changed too. The state itself stays as it is: listings show it so.
Hook.register("AfterStateRead", function(context)
  if context.data.value == nil then return {type = "replace", data = {name = "nobody"}} end
end, {scope = "hooks:people", key = "person:*"})
print("person:9 is " .. State.load("hooks:people", "person:9").name .. ", and " .. State.count("hooks:people") .. " is stored")

-- "redirect": another key of the scope, or of another one.
Hook.register("BeforeStateWrite", function(context)
  return {type = "redirect", target = {scope = "hooks:archive", key = context.data.key}}
end, {scope = "hooks:people", key = "old:*"})
State.save("hooks:people", "old:1", {name = "Charles"})
print("old:1 went to the archive: " .. State.load("hooks:archive", "old:1").name)

-- "cache": for so many seconds reads give the same without asking anybody, until the key changes.
local reads = 0
Hook.register("BeforeStateRead", function()
  reads = reads + 1
  return {type = "cache", ttl = 60}
end, {scope = "hooks:archive"})
for _ = 1, 5 do State.load("hooks:archive", "old:1") end
print("5 loads, " .. reads .. " asked")
