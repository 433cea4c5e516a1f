-- Scope isolation: the same key in many scopes, and none of them touches another.
--
-- A scope is a text: global, system, agent:<id>, user:<id>, session:<id>, workflow:<id>, step:<workflow>:<step>,
-- tool:<name>, hook:<name>, or any plain name of your own.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/state/scope_isolation.lua

-- "user:ann" is the beginning of "user:anna": still two scopes, as different as any others.
local SCOPES = {"user:ann", "user:anna", "agent:greeter", "workflow:onboarding", "step:onboarding:welcome", "greetings"}

local function show(title)
  print(title)
  for _, scope in ipairs(SCOPES) do
    print("  " .. scope .. ": " .. State.load(scope, "greeting", {default = "(nothing)"}))
  end
end

for _, scope in ipairs(SCOPES) do
  State.save(scope, "greeting", "hello from " .. scope)
end
show("One key, six values:")

State.save("user:ann", "greeting", "good morning")
State.delete("agent:greeter", "greeting")
show("Ann's was changed, the agent's deleted:")

State.save("user:ann", "theme", "dark")
print("Clearing user:ann removed " .. State.clear("user:ann") .. " values.")
show("Only hers are gone:")

-- A custom scope may be written with or without its kind.
print("custom:greetings is greetings: " .. State.load("custom:greetings", "greeting"))

-- Scopes that hold something can be listed; an empty one is no longer there.
print("Scopes that begin with user:ann: " .. table.concat(State.list_scopes({prefix = "user:ann"}), ", "))

-- An empty scope is a mistake, and said so, instead of becoming a place where things get lost.
local ok, problem = pcall(State.save, "", "greeting", "hello?")
if not ok then
  print("A scope without a name is refused: " .. problem.code)
end
