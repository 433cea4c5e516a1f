-- Basic persistence: work through an inbox, one letter a run, and remember what is done.
--
-- Whatever a script saves is there for the next run: tomorrow, after a crash, from Lua and from JavaScript alike.
-- Run it twice: the second run goes on where the first one stopped.
--
-- Config: configs/state-enabled.toml (the state is on disk, in ./llmspell_state)
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/state/basic_persistence.lua

local INBOX = {"an invoice from the printer", "a question from Ann", "a parcel notice", "a birthday card"}
local SCOPE = "inbox" -- a scope is a namespace: no other script's keys are in the way

-- A counter starts at 0 by itself.
local run = State.increment(SCOPE, "runs")
print("This is run " .. run .. ".")

-- What was never saved is nil, or the default that you name.
local progress = State.load(SCOPE, "progress", {default = {done = {}}})
if #progress.done == 0 then
  print("I remember nothing yet.")
else
  print("I remember that I answered " .. table.concat(progress.done, ", ") .. ".")
end

-- Had the last run died at its work, its mark would still be there.
if State.exists(SCOPE, "working_on") then
  print("The last run was interrupted at " .. State.load(SCOPE, "working_on") .. ".")
end

local letter = INBOX[#progress.done + 1]
if letter then
  State.save(SCOPE, "working_on", letter)
  table.insert(progress.done, letter)
  State.save(SCOPE, "progress", progress) -- once this returns, it is on disk
  State.delete(SCOPE, "working_on")
  print("Now I have answered " .. letter .. ".")
else
  print("The inbox is empty.")
end
