-- Agent state: the conversation, the settings and the tallies of one agent, in a scope of its own.
--
-- Shows four patterns: a log with one key per message, a short window of it for the next prompt, settings with
-- defaults, and counters. The "model" here is a function that answers at once; put your own in its place.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/state/agent_state.lua

local AGENT = "agent:tour-guide"
local DEFAULTS = {model = "small", temperature = 0.7, language = "en"}

-- A real agent keeps its memory. This one begins afresh, so that every run tells the same story.
State.clear(AGENT)

-- Settings: only what differs from the defaults is stored, so new defaults reach old agents.
local function settings()
  local merged = {}
  for name, value in pairs(DEFAULTS) do merged[name] = value end
  for name, value in pairs(State.load(AGENT, "settings", {default = {}})) do merged[name] = value end
  return merged
end

local function change_setting(name, value)
  State.update(AGENT, "settings", function(stored)
    stored = stored or {}
    stored[name] = value
    return stored
  end)
end

-- The conversation: one key per message. The number is padded with zeros, because keys are in byte order.
local function remember(role, text)
  State.transaction(function()
    local number = State.increment(AGENT, "messages")
    State.save(AGENT, string.format("message:%06d", number), {role = role, text = text})
  end)
end

-- The newest messages, oldest of them first: what fits into the next prompt.
local function window(size)
  local messages = {}
  for _, pair in ipairs(State.list(AGENT, {prefix = "message:", reverse = true, limit = size})) do
    table.insert(messages, 1, pair.value)
  end
  return messages
end

local function model(question)
  return "You asked: " .. question
end

local function ask(question)
  remember("user", question)
  local answer = model(question)
  remember("assistant", answer)
  State.increment(AGENT, "words_used", select(2, answer:gsub("%S+", "")))
  return answer
end

change_setting("language", "pt")
change_setting("temperature", 0.2)
local now = settings()
print("Settings: " .. now.model .. ", " .. now.temperature .. ", " .. now.language)

for _, question in ipairs({"Where is the castle?", "When does it open?", "Is there a tram?"}) do
  print("> " .. question)
  print("  " .. ask(question))
end

print("The next prompt would begin with:")
for _, message in ipairs(window(3)) do
  print("  " .. message.role .. ": " .. message.text)
end

print("Messages: " .. State.load(AGENT, "messages") .. ", words used: " .. State.load(AGENT, "words_used"))

-- Forgetting the conversation is one commit, and leaves the settings.
State.transaction(function()
  State.clear(AGENT, {prefix = "message:"})
  State.delete(AGENT, "messages")
end)
local left = State.count(AGENT, {prefix = "message:"})
print("Forgotten: " .. left .. " messages left, language still " .. settings().language)
