-- Migration by hand: each document carries a version field of its own, and is brought up to date when it is read.
--
-- It needs no schema: fine for a few documents of one script. What it does not do is told at the end, and how the same
-- transformations run over many documents at once, all or none, with a way back.
--
-- Config: configs/migration-enabled.toml
-- Run:    llmspell -c configs/migration-enabled.toml run examples/lua/migration/state_migration.lua

local SCOPE = "settings-by-hand"
local LATEST = 3

-- One function for each step, from a version to the next.
local steps = {
  [1] = function(doc)
    doc.theme = doc.dark and "dark" or "light"
    doc.dark = nil
  end,
  [2] = function(doc)
    doc.editor = {font = doc.font, size = doc.size or 12}
    doc.font, doc.size = nil, nil
  end,
}

local function load(key)
  local doc = State.load(SCOPE, key)
  if doc == nil then return nil end
  local was = doc._version or 1
  while (doc._version or 1) < LATEST do
    local version = doc._version or 1
    steps[version](doc)
    doc._version = version + 1
  end
  if was < LATEST then
    State.save(SCOPE, key, doc)
    print(("  %s: from version %d to %d"):format(key, was, LATEST))
  end
  return doc
end

State.clear(SCOPE)
State.save(SCOPE, "ann", {dark = true, font = "Mono"})
State.save(SCOPE, "bob", {_version = 2, theme = "light", font = "Sans", size = 14})
State.save(SCOPE, "eve", {_version = 3, theme = "dark", editor = {font = "Serif", size = 11}})

print("Reading brings documents up to date:")
for _, key in ipairs(State.list_keys(SCOPE)) do
  local doc = load(key)
  print(("  %s has the theme %s and the font %s, size %d"):format(key, doc.theme, doc.editor.font, doc.editor.size))
end
print("Reading again finds nothing to do.")
for _, key in ipairs(State.list_keys(SCOPE)) do load(key) end

-- The same for all documents of a scope in one go: what fails is put back, and what is done can be undone.
print("All at once, with State.migrate:")
local done = State.migrate({scope = SCOPE, transformations = {
  {transform = "move", field = "theme", to = "editor.theme"},
  {transform = "remove", field = "_version"},
  {transform = "function", ["function"] = function(doc)
    doc.editor.size = doc.editor.size * 10
    return doc
  end},
}})
assert(done.success, done.error)
local ann = State.load(SCOPE, "ann")
print(("  %d documents: ann has the theme %s and size %d"):format(done.items_migrated, ann.editor.theme, ann.editor.size))

assert(State.rollback_migration().success)
ann = State.load(SCOPE, "ann")
print(("  rolled back: ann has the theme %s, size %d, version %d"):format(ann.theme, ann.editor.size, ann._version))
