-- The State API: which functions are there, and that each of them does its one thing.
--
-- A function that the config does not switch on is absent, so a script can ask for it: `if State.migrate then … end`.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/state/test_state_api.lua

local ALWAYS = {
  "save", "load", "entry", "delete", "exists", "list_keys", "list", "list_scopes", "count", "clear", "increment",
  "update", "transaction", "history", "changes", "flush", "metrics",
}
local SWITCHED_ON_ELSEWHERE = {"migrate", "register_schema", "create_backup", "restore_backup"}

local function camel_case(name)
  return (name:gsub("_(%l)", string.upper))
end

print("With state alone:")
for _, name in ipairs(ALWAYS) do
  assert(type(State[name]) == "function", name .. " is missing")
  assert(type(State[camel_case(name)]) == "function", camel_case(name) .. " is missing")
  print("  State." .. name)
end

print("Left out by this config:")
for _, name in ipairs(SWITCHED_ON_ELSEWHERE) do
  assert(State[name] == nil, name .. " should be nil")
  print("  State." .. name)
end

local SCOPE = "state-api"
State.clear(SCOPE)

State.save(SCOPE, "answer", 42)
assert(State.load(SCOPE, "answer") == 42)
assert(State.load(SCOPE, "question") == nil)
assert(State.load(SCOPE, "question", {default = "?"}) == "?")
assert(State.exists(SCOPE, "answer") and not State.exists(SCOPE, "question"))

local entry = State.entry(SCOPE, "answer")
assert(entry.value == 42 and entry.class == "standard" and entry.version > 0)

assert(State.increment(SCOPE, "answer", -2) == 40)
assert(State.update(SCOPE, "answer", function(n) return n + 2 end) == 42)
assert(State.transaction(function() return State.load(SCOPE, "answer") end) == 42)
assert(#State.history(SCOPE, "answer", {limit = 3}) == 3)
assert(#State.changes({since = entry.version, scope = SCOPE}).changes == 2)

assert(State.count(SCOPE) == 1)
assert(State.list_keys(SCOPE)[1] == "answer")
assert(State.list(SCOPE)[1].value == 42)
assert(State.list_scopes({prefix = SCOPE})[1] == SCOPE)

-- Integers and floats stay what they were, lists stay lists, and an unknown option is an error and not ignored.
State.save(SCOPE, "values", {whole = 1, float = 1.0, list = JSON.array({}), text = "ã", nested = {{{true}}}})
local values = State.load(SCOPE, "values")
assert(math.type(values.whole) == "integer" and math.type(values.float) == "float")
assert(JSON.stringify(values.list) == "[]" and values.text == "ã" and values.nested[1][1][1] == true)
local ok, problem = pcall(State.save, SCOPE, "answer", 1, {tll = 5})
assert(not ok and problem.code == "bad_argument")

-- What cannot be stored exactly is refused, with the path to it.
ok, problem = pcall(State.save, SCOPE, "answer", {steps = {last = print}})
assert(not ok and problem.code == "bad_value")
print(problem)

assert(State.delete(SCOPE, "answer") and not State.delete(SCOPE, "answer"))
assert(State.clear(SCOPE) == 1)
State.flush()
assert(State.metrics().writes > 0)
print("All of them work.")
