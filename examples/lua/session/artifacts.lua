-- Artifacts: files of a session. Versions, metadata, search, sharing between sessions, checkpoints.
--
-- Config: configs/session-enabled.toml
-- Run:    llmspell -c configs/session-enabled.toml run examples/lua/session/artifacts.lua

local report = Session.create({name = "report", created_by = "ann"})

-- 1. Text, bytes, and tables, which are stored as JSON. The result is an id; its text form can be saved or printed.
local draft = Artifact.store(report, "agent_output", "report.md", "# Foxes\nA draft.", {
  mime_type = "text/markdown", tags = {"draft", "foxes"}, description = "The weekly report", author = "ann",
})
Artifact.store(report, "tool_result", "figures", {seen = 12, places = {"wood", "field"}})
Artifact.store(report, "system_generated", "picture", "\x89PNG\x0d\x0a", {mime_type = "image/png"})
print("The id's text form ends in " .. tostring(draft):match("/%d+/%x+$"))
print("Figures: " .. Artifact.get_content(report, "figures"))

-- 2. Storing under the same name makes a new version; the name means the latest one.
Artifact.store(report, "agent_output", "report.md", "# Foxes\nTwelve were seen.", {
  mime_type = "text/markdown", tags = {"final", "foxes"}, parent_artifact = draft,
})
for _, version in ipairs(Artifact.versions(report, "report.md")) do
  print("Version " .. version.version .. ": " .. version.size .. " bytes, tags " .. table.concat(version.tags, " "))
end
print("Latest: " .. Artifact.get_content(report, "report.md"):match("\n(.*)"))
print("First:  " .. Artifact.get_content(report, draft):match("\n(.*)"))

-- 3. What is known about one, and the rest of what was given.
local info = Artifact.info(report, draft)
print("Draft: " .. info.mime_type .. ", " .. info.description .. ", by " .. info.custom.author)

-- 4. The same content is stored once, and long texts are compressed.
local log = ("nothing happened\n"):rep(2000)
Artifact.store(report, "log", "monday.log", log)
Artifact.store(report, "log", "tuesday.log", log)
local monday, tuesday = Artifact.info(report, "monday.log"), Artifact.info(report, "tuesday.log")
print("Logs: " .. monday.size .. " bytes each, compressed: " .. tostring(monday.is_compressed))
print("The same content: " .. tostring(monday.content_hash == tuesday.content_hash))
print("Cost nothing: " .. tostring(Artifact.stats(report).deduplicated_bytes >= #log))

-- 5. Searching: by tags, type, name, time, size, fields of one's own, and text.
local function names(found)
  local list = {}
  for _, each in ipairs(found) do list[#list + 1] = each.name .. " v" .. each.version end
  return table.concat(list, ", ")
end
print("Tagged foxes: " .. names(Artifact.query({session_id = report, tags = {"foxes"}})))
print("Named *.log:  " .. names(Artifact.query({session_id = report, name_pattern = "*.log"})))
print("By ann:       " .. names(Artifact.query({session_id = report, custom = {author = "ann"}})))
print("With twelve:  " .. names(Artifact.query({session_id = report, text = "twelve"})))

-- 6. Sharing: while a session is current, it sees what it owns and what it was granted.
local review = Session.create({name = "review", parent_session_id = report})
Session.set_current(review)
local ok, problem = pcall(Artifact.get_content, report, "report.md")
print("Before the grant: " .. tostring(ok) .. ", " .. problem.code)
Session.set_current(nil)
Artifact.grant(report, "report.md", review, "read")
Session.set_current(review)
print("After the grant:  " .. #Artifact.query() .. " artifact, " .. Artifact.get_content(report, "report.md"):match("\n(.*)"))
Session.set_current(nil)

-- 7. A checkpoint keeps what is deleted after it.
Session.save(report, {label = "complete"})
Artifact.delete(report, "report.md")
Artifact.delete(report, "figures")
print("After deleting: " .. #Artifact.list(report) .. " artifacts")
Session.load(report, {checkpoint = "complete"})
print("Put back:       " .. #Artifact.list(report) .. " artifacts")

-- 8. A change of the state and its artifact are one commit.
State.transaction(function()
  local copy = Artifact.store(report, "agent_output", "summary", "Twelve foxes.")
  State.save("session:" .. report, "summary", tostring(copy))
end)
print("Summary: " .. Artifact.get_content(nil, State.load("session:" .. report, "summary")))

for _, session in ipairs({review, report}) do Session.delete(session, {force = true}) end
