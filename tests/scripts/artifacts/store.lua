-- config: runtime.sessions.enabled = true
-- stores: lmdb
local function say(...)
  local words = table.pack(...)
  for place = 1, words.n do words[place] = tostring(words[place]) end
  print(table.concat(words, " "))
end
local work = Session.create({name = "work", created_by = "ann"})
local id = Artifact.store(work, "agent_output", "report.md", "# Grün", {
  mime_type = "text/markdown", tags = {"draft", "weekly"}, description = "First", author = {name = "bo"}, score = 3,
})
say(tostring(id) == work .. "/1/" .. id.content_hash:sub(1, 8), id.session_id == work, id.sequence)
-- expect: true true 1

-- The id, its text form, a table put together by hand, and a name mean the same.
local by_hand = {content_hash = id.content_hash, session_id = work, sequence = 1}
for _, each in ipairs({id, tostring(id), by_hand, "report.md"}) do
  say(Artifact.get_content(work, each))
end
-- expect: # Grün
-- expect: # Grün
-- expect: # Grün
-- expect: # Grün

local got = Artifact.get("", id)
say(got.content, got.id.sequence, got.metadata.name, got.metadata.custom.author.name, got.metadata.custom.score)
-- expect: # Grün 1 report.md bo 3
local info = Artifact.info(work, "report.md")
say(info.size, info.stored_size, info.original_size, info.is_compressed, info.mime_type, info.created_by, info.description)
-- expect: 7 7 7 false text/markdown ann First
say(info.metadata.artifact_type, info.tags[1], info.tags[2], info.version, info.parent_artifact == nil)
-- expect: agent_output draft weekly 1 true

-- Tables are stored as JSON, bytes as bytes; versions count by name.
Artifact.store(work, "tool_result", "data", {b = {1, 2.5}, a = "x"})
say(Artifact.get_content(work, "data"), Artifact.info(work, "data").mime_type)
-- expect: {"a":"x","b":[1,2.5]} application/json
local bytes = Artifact.store(work, "tool_result", "data", "\xff\x00", {parent_artifact = id})
say(#Artifact.get_content(work, bytes), Artifact.info(work, bytes).version, Artifact.info(work, bytes).parent_artifact == tostring(id))
-- expect: 2 2 true
for _, each in ipairs(Artifact.versions(work, "data")) do say(each.version, each.size) end
-- expect: 1 21
-- expect: 2 2

-- A long text is compressed; the same content costs nothing the second time.
local long = ("the same line\n"):rep(5000)
Artifact.store(work, "log", "long", long)
Artifact.store(work, "log", "long", long)
say(Artifact.info(work, "long").is_compressed, Artifact.get_content(work, "long") == long)
-- expect: true true
local stats = Artifact.stats(work)
say(stats.count, stats.bytes, stats.stored_bytes < 5000, stats.deduplicated_bytes)
-- expect: 5 140030 true 70000
say(Session.get(work).artifact_count, Session.get(work).artifact_bytes)
-- expect: 5 140030

local names = {}
for _, each in ipairs(Artifact.list(work, {type = "tool_result"})) do names[#names + 1] = each.sequence end
say(table.concat(names, " "))
-- expect: 2 3
Artifact.delete(work, "long")
Artifact.delete(work, bytes)
local _, gone = pcall(Artifact.info, work, bytes)
say(#Artifact.list(work), Artifact.info(work, "long").version, gone.code)
-- expect: 3 1 not_found

-- What a transaction does is done as a whole, or not at all.
pcall(State.transaction, function()
  State.save("app", "key", 1)
  Artifact.store(work, "log", "undone", "x")
  error("no")
end)
State.transaction(function()
  Artifact.store(work, "log", "kept", "x")
  Artifact.delete(work, "data")
end)
for _, each in ipairs(Artifact.list(work)) do say(each.name) end
-- expect: report.md
-- expect: long
-- expect: kept
