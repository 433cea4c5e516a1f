-- Transactions: all of it or nothing. Transfers between accounts, an error that undoes everything, a savepoint that
-- undoes a part, and what happens when somebody else was first.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/state/transactions.lua

local BANK = "bank"

local function show(title)
  local parts = {}
  for _, pair in ipairs(State.list(BANK)) do
    table.insert(parts, pair.key .. " " .. pair.value)
  end
  print(title .. ": " .. table.concat(parts, ", "))
end

State.clear(BANK) -- begin afresh
State.save(BANK, "ann", 100)
State.save(BANK, "ben", 20)
show("At first")

-- Inside, reads see the transaction's own writes. An error undoes all of them.
local function transfer(from, to, amount)
  State.transaction(function()
    State.increment(BANK, to, amount)
    if State.increment(BANK, from, -amount) < 0 then
      error(from .. " has not got " .. amount, 0)
    end
  end)
end

transfer("ann", "ben", 30)
show("Ann pays Ben 30")

-- Ben's money had been added already when the error came: it is gone again.
local ok, reason = pcall(transfer, "ann", "ben", 500)
print("Ann pays Ben 500: " .. (ok and "done" or reason))
show("Nothing has changed")

-- A transaction inside another is a savepoint. What fails in it, and is caught, is undone alone.
State.transaction(function()
  State.increment(BANK, "ann", 5)
  pcall(transfer, "ben", "cem", 1000)
  transfer("ben", "cem", 10)
end)
show("One transfer of two worked")

-- A transaction returns what its function returns.
local total = State.transaction(function()
  local sum = 0
  for _, pair in ipairs(State.list(BANK)) do sum = sum + pair.value end
  return sum
end)
print("All together: " .. total)

-- `update` is the short form for one value: read, change and save, with nobody in between.
local interest = State.update(BANK, "ann", function(balance) return balance * 2 end)
print("Ann has now " .. interest)

-- When there is much to do between reading and saving, hold no lock: remember the version, and save only if it is still
-- the same. Here somebody else is faster the first time.
local attempt = 0
repeat
  attempt = attempt + 1
  local entry = State.entry(BANK, "ben")
  local reviewed = entry.value + 1 -- the long work

  if attempt == 1 then State.increment(BANK, "ben", 7) end -- somebody else

  local saved, problem = pcall(State.save, BANK, "ben", reviewed, {if_version = entry.version})
  print("Attempt " .. attempt .. ": " .. (saved and "saved" or problem.code))
until saved
show("Neither change was lost")
