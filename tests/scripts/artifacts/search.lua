-- config: runtime.sessions.enabled = true
local function say(...)
  local words = table.pack(...)
  for place = 1, words.n do words[place] = tostring(words[place]) end
  print(table.concat(words, " "))
end
local one, two = Session.create({name = "one"}), Session.create({name = "two"})
Artifact.store(one, "note", "alpha.md", "about foxes", {tags = {"a"}, lang = "en"})
Artifact.store(one, "log", "beta.log", ("x"):rep(100), {tags = {"a", "b"}})
Artifact.store(two, "note", "gamma.md", "about owls", {tags = {"b"}, lang = "de"})
local function show(query)
  local names = {}
  for _, each in ipairs(Artifact.query(query)) do names[#names + 1] = each.name end
  say(table.concat(names, " "))
end
show({})
-- expect: gamma.md beta.log alpha.md
show({tags = {"a", "b"}})
-- expect: beta.log
show({type = "note", limit = 1})
-- expect: gamma.md
show({name_pattern = "*.MD"})
-- expect: gamma.md alpha.md
show({session_id = one, text = "ABOUT"})
-- expect: alpha.md
show({custom = {lang = "de"}})
-- expect: gamma.md
show({min_size = 50, created_after = 0, created_before = "2999-01-01T00:00:00Z"})
-- expect: beta.log

-- With a current session, only what it owns or was granted is seen.
Session.set_current(two)
show({})
-- expect: gamma.md
local _, refused = pcall(Artifact.get, one, "alpha.md")
say(refused.code)
-- expect: access_denied
Session.set_current(nil)
Artifact.grant(one, "alpha.md", two, "read")
Session.set_current(two)
show({})
-- expect: gamma.md alpha.md
say(Artifact.get_content(one, "alpha.md"), #Artifact.list(one), #Artifact.list())
-- expect: about foxes 1 1
local _, unwritable = pcall(Artifact.delete, one, "alpha.md")
say(unwritable.code)
-- expect: access_denied
Session.set_current(nil)
Artifact.revoke(one, "alpha.md", two, "read")
Session.set_current(two)
show({})
-- expect: gamma.md
