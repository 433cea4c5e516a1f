-- Counters: two processes count at the same time, in the same store, and not one count is lost.
--
-- Every process takes a number of its own, counts 200 page views, and writes down what it did. With the word `report`
-- the script adds up what they wrote down and compares it with the counters.
--
-- Config: configs/state-enabled.toml (a store on disk, which all processes share)
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/state/counters.lua
--
-- Two at once, and then the report:
--   llmspell -c configs/state-enabled.toml run examples/lua/state/counters.lua &
--   llmspell -c configs/state-enabled.toml run examples/lua/state/counters.lua; wait
--   llmspell -c configs/state-enabled.toml run examples/lua/state/counters.lua report

local SITE = "site"
local VIEWS = 200
local PAGES = {"home", "news", "about", "help"}

local function report()
  local expected, processes = 0, 0
  for _, pair in ipairs(State.list(SITE, {prefix = "done:"})) do
    expected, processes = expected + pair.value, processes + 1
  end
  local counted = State.load(SITE, "views", {default = 0})
  local by_page = 0
  for _, count in pairs(State.load(SITE, "pages", {default = {}})) do
    by_page = by_page + count
  end
  print("Processes: " .. processes .. ", page views: " .. expected)
  print("Counted with increment: " .. counted .. ", lost: " .. expected - counted)
  print("Counted with update: " .. by_page .. ", lost: " .. expected - by_page)
end

local function count()
  print("Counting " .. VIEWS .. " page views.")
  local number = State.increment(SITE, "processes") -- no two processes get the same
  for view = 1, VIEWS do
    State.increment(SITE, "views")

    -- Where there is more to change than one number, `update` does it in one step.
    local page = PAGES[view % #PAGES + 1]
    State.update(SITE, "pages", function(pages)
      pages = pages or {}
      pages[page] = (pages[page] or 0) + 1
      return pages
    end)
  end
  State.save(SITE, string.format("done:%06d", number), VIEWS)
  print("Done.")
end

if args[1] == "report" then report() else count() end
