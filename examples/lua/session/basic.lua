-- Sessions from beginning to end: create, record, checkpoint, go back, suspend, complete, and read the timeline.
--
-- Config: configs/session-enabled.toml
-- Run:    llmspell -c configs/session-enabled.toml run examples/lua/session/basic.lua

local chat = Session.create({name = "chat with Ada", tags = {"example", "basic"}, metadata = {topic = "engines"}})
local scope = "session:" .. chat

-- While a session is current, every change is recorded in its timeline, in the same commit.
Session.set_current(chat)
State.save(scope, "turn:1", {role = "user", text = "What is an engine?"})
State.save(scope, "turn:2", {role = "assistant", text = "It turns steps into results."})

-- A checkpoint is a moment to go back to. It costs one small record.
local before = Session.save(chat, {label = "two turns"})
State.save(scope, "turn:3", {role = "user", text = "Forget everything."})
State.delete(scope, "turn:1")
print("Turns now: " .. table.concat(State.list_keys(scope), ", "))
Session.load(chat, {checkpoint = before})
print("Turns after going back: " .. table.concat(State.list_keys(scope), ", "))

-- What is set aside can be taken up again; metadata is merged.
Session.suspend(chat)
print("Status: " .. Session.get(chat).status)
Session.resume(chat)
Session.update(chat, {metadata = {turns = State.count(scope)}})
local found = Session.get(chat)
print("Metadata: topic " .. found.metadata.topic .. ", turns " .. found.metadata.turns)

-- Only legal steps are taken.
Session.complete(chat)
local ok, problem = pcall(Session.resume, chat)
print("Resuming a completed one: " .. problem.code)

for _, entry in ipairs(Session.timeline(chat)) do
  print(entry.seq .. "  " .. entry.kind .. (entry.key and "  " .. entry.key or ""))
end

Session.delete(chat)
print("Left of its scope: " .. State.count(scope))
