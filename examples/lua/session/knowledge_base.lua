-- A knowledge base: documents with tags and sources, searchable, revised without losing what was said before, exported
-- as answers with their sources.
--
-- Config: configs/session-enabled.toml
-- Run:    llmspell -c configs/session-enabled.toml run examples/lua/session/knowledge_base.lua

local DOCUMENTS = {
  {"postgres-tuning.md", "Raise shared_buffers to a quarter of the memory before you look at anything else.",
    {"postgres", "performance"}, "handbook"},
  {"postgres-backup.md", "A dump restores slowly. Keep base backups and the log for anything above 100 GB.",
    {"postgres", "backup"}, "incident 12"},
  {"lua-strings.md", "Concatenate in a loop with table.concat: the operator .. copies every time.",
    {"lua", "performance"}, "review"},
  {"on-call.md", "Say what you see before you say what you think. Write down the time.", {"process"}, "handbook"},
}

-- The base is a session of its own, found by its name on every later run.
local function open(name)
  local found = Session.list({name = name})[1]
  if found then return found.id end
  return Session.create({name = name, tags = {"knowledge"}, max_idle_time = 0})
end

local base = open("knowledge base")

local function learn(name, text, tags, source)
  return Artifact.store(base, "document", name, text, {mime_type = "text/markdown", tags = tags, source = source})
end

-- Many documents in one commit: all of them are there, or none.
State.transaction(function()
  for _, each in ipairs(DOCUMENTS) do learn(table.unpack(each)) end
end)
print("Documents: " .. Artifact.stats(base).count)

-- Questions are words; a document that has more of them in it is a better answer.
local function ask(question, tags)
  local score, names = {}, {}
  for word in question:gmatch("%w+") do
    if #word > 3 then
      for _, found in ipairs(Artifact.query({session_id = base, type = "document", tags = tags, text = word})) do
        if not score[found.name] then names[#names + 1] = found.name end
        score[found.name] = (score[found.name] or 0) + 1
      end
    end
  end
  table.sort(names, function(a, b) return score[a] > score[b] or score[a] == score[b] and a < b end)
  return names
end

for _, question in ipairs({"How do we restore a large dump?", "How much memory for buffers?", "Which time to write?"}) do
  local best = ask(question)[1]
  print(question .. " -> " .. best .. " (" .. Artifact.info(base, best).custom.source .. ")")
end
print("Only about Lua: " .. table.concat(ask("copies memory every time", {"lua"}), ", "))

-- A revision is a new version; the old one stays readable, and says what it was replaced by.
local old = Artifact.info(base, "postgres-backup.md")
learn("postgres-backup.md", "Keep base backups and the log, and restore one every month: a backup nobody tried is none.",
  {"postgres", "backup"}, "incident 31")
local history = Artifact.versions(base, "postgres-backup.md")
print("Revised: " .. #history .. " versions, sources " .. history[1].custom.source .. " and " .. history[2].custom.source)
print("As it was: " .. Artifact.get_content(base, old.id):sub(1, 22))

-- An index by tag, made from what is there.
local by_tag, tags = {}, {}
for _, each in ipairs(Artifact.list(base, {type = "document"})) do
  for _, tag in ipairs(each.tags) do
    if not by_tag[tag] then by_tag[tag] = {}; tags[#tags + 1] = tag end
    by_tag[tag][each.name] = true
  end
end
table.sort(tags)
for _, tag in ipairs(tags) do
  local names = {}
  for name in pairs(by_tag[tag]) do names[#names + 1] = name end
  table.sort(names)
  print("  " .. tag .. ": " .. table.concat(names, ", "))
end

-- A reader gets a copy that goes its own way: the bytes are shared.
local copy = Session.fork(base, {name = "reading copy"})
Artifact.delete(copy, "on-call.md")
print("The copy has " .. Artifact.stats(copy).count .. " documents, the base " .. Artifact.stats(base).count)

-- This example begins afresh: a real base would stay.
for _, session in ipairs({copy, base}) do Session.delete(session, {force = true}) end
