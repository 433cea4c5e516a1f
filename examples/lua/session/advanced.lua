-- Sessions in numbers: templates, hierarchies of parents and children, bulk work with limits, and analytics over all of it.
--
-- Config: configs/session-enabled.toml
-- Run:    llmspell -c configs/session-enabled.toml run examples/lua/session/advanced.lua

-- A template is a table of options that new sessions start from.
local templates = {
  review = {tags = {"example", "review"}, metadata = {priority = "normal"}, max_operations = 4},
  urgent = {tags = {"example", "review", "urgent"}, metadata = {priority = "high"}, max_operations = 4},
}
local function start(template, name, parent)
  local options = {name = name, parent_session_id = parent}
  for key, value in pairs(templates[template]) do options[key] = value end
  return Session.create(options)
end

-- A hierarchy: one session for the whole, one below it for each part.
local whole = start("review", "release 2.0")
local parts = {}
for number, name in ipairs({"docs", "code", "tests", "licences"}) do
  parts[number] = start(name == "tests" and "urgent" or "review", name, whole)
end

-- Bulk work: every part under its own session, each within its limit. One of them wants too much, and is stopped.
local wanted = {docs = 2, code = 3, tests = 4, licences = 6}
for _, part in ipairs(parts) do
  local name = Session.get(part).name
  Session.set_current(part)
  local ok, problem = pcall(function()
    for finding = 1, wanted[name] do
      State.save("session:" .. part, "finding:" .. finding, name .. " " .. finding)
    end
  end)
  if ok then Session.complete(part) else Session.fail(part, problem.code) end
end
Session.set_current(nil)

-- Analytics: filters, sorting and sums.
local children = Session.list({parent_session_id = whole, status = "all", sort_by = "operation_count", descending = true})
local total = 0
for _, child in ipairs(children) do
  total = total + child.operation_count
  print(("%-9s %-9s %d operations%s"):format(child.name, child.status, child.operation_count,
    child.failure_reason and ", " .. child.failure_reason or ""))
end
print("All together: " .. total .. " operations")
print("Urgent: " .. Session.list({tags = {"review", "urgent"}, status = "all"})[1].name)
print("Failed: " .. #Session.list({parent_session_id = whole, status = "failed"}))
print("About licences: " .. Session.list({text = "LICENCE", status = "all"})[1].name)

-- What failed is tried again in a fork, with a longer limit; the failed one stays as it was.
local failed = Session.list({parent_session_id = whole, status = "failed"})[1].id
local again = Session.fork(failed, {name = "licences, again"})
Session.update(again, {max_operations = 10})
Session.set_current(again)
for finding = State.count("session:" .. again) + 1, wanted.licences do
  State.save("session:" .. again, "finding:" .. finding, "licences " .. finding)
end
Session.complete(again)
print(Session.get(again).name .. ": " .. State.count("session:" .. again) .. " findings")

-- Tidy up, children first.
for _, child in ipairs(children) do Session.delete(child.id) end
Session.delete(again)
Session.delete(whole, {force = true})
print("Left: " .. #Session.list({tags = {"review"}, status = "all"}))
