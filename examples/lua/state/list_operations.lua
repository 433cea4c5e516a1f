-- List operations: find keys by prefix, page through them, and keep a registry of your own.
--
-- Config: configs/state-enabled.toml
-- Run:    llmspell -c configs/state-enabled.toml run examples/lua/state/list_operations.lua

local SHELF = "bookshelf"

local BOOKS = {
  {id = "book:0001", title = "Dune", topic = "desert"},
  {id = "book:0002", title = "Emma", topic = "village"},
  {id = "book:0003", title = "Heidi", topic = "mountain"},
  {id = "book:0004", title = "Middlemarch", topic = "village"},
  {id = "book:0005", title = "Walden", topic = "pond"},
}

State.clear(SHELF) -- begin afresh

-- Beside every book stands a second key, made of what one looks for: a registry, or index. The transaction keeps the
-- two together whatever happens.
local function add(book)
  State.transaction(function()
    State.save(SHELF, book.id, {title = book.title, topic = book.topic})
    State.save(SHELF, "topic:" .. book.topic .. ":" .. book.id, true)
  end)
end

for _, book in ipairs(BOOKS) do add(book) end
print("Keys: " .. State.count(SHELF) .. ", books: " .. State.count(SHELF, {prefix = "book:"}))

-- Keys come in byte order; `reverse` turns it round.
print("First: " .. State.list_keys(SHELF, {prefix = "book:", limit = 1})[1])
print("Last:  " .. State.list_keys(SHELF, {prefix = "book:", limit = 1, reverse = true})[1])

-- Paging: ask for a few, then for those after the last one. A page costs the same however many keys there are.
local page, after = 0, nil
while true do
  local keys = State.list_keys(SHELF, {prefix = "book:", after = after, limit = 2})
  if #keys == 0 then break end
  page, after = page + 1, keys[#keys]
  print("Page " .. page .. ": " .. table.concat(keys, ", "))
end

-- `list` gives the values too.
for _, pair in ipairs(State.list(SHELF, {prefix = "book:", after = "book:0003"})) do
  print(pair.key .. " is " .. pair.value.title)
end

-- The registry answers "which books are about a village?" without a look at any other book.
local prefix = "topic:village:"
for _, key in ipairs(State.list_keys(SHELF, {prefix = prefix})) do
  local id = key:sub(#prefix + 1)
  print("About a village: " .. State.load(SHELF, id).title)
end

-- Byte order is not the order of numbers: pad numbers with zeros, as the ids above do.
for _, number in ipairs({9, 10, 100}) do
  State.save(SHELF, "plain:" .. number, true)
  State.save(SHELF, string.format("padded:%04d", number), true)
end
print("Plain:  " .. table.concat(State.list_keys(SHELF, {prefix = "plain:"}), ", "))
print("Padded: " .. table.concat(State.list_keys(SHELF, {prefix = "padded:"}), ", "))

-- What has a common prefix can be removed together, in one commit.
local removed = State.clear(SHELF, {prefix = "plain:"}) + State.clear(SHELF, {prefix = "padded:"})
print("Removed " .. removed .. ", keys left: " .. State.count(SHELF))
