-- config: runtime.sessions.enabled = true
local function say(...)
  local words = table.pack(...)
  for place = 1, words.n do words[place] = tostring(words[place]) end
  print(table.concat(words, " "))
end
local work = Session.create()
local function refused(...)
  local ok, problem = pcall(...)
  say(ok, problem.code, tostring(problem))
end
refused(Artifact.store, work, "t", "", "x")
-- expect: false bad_argument Artifact.store: name of an artifact has 1 to 255 bytes, not 0
refused(Artifact.store, work, "t", "n", 5)
-- expect: false bad_argument Artifact.store: content (argument 4) must be a string, bytes, or a table or object
refused(Artifact.store, work, "t", "n", "x", {tags = {1}})
-- expect: false bad_argument Artifact.store: a tag of an artifact must be text
refused(Artifact.store, nil, "t", "n", "x")
-- expect: false not_found Artifact.store: there is no current session
refused(Artifact.store_file, work, "/etc/passwd", "t")
-- expect: false access_denied Artifact.store_file: '/etc/passwd' is not granted to this script
refused(Artifact.grant, work, "n", work, "own")
-- expect: false bad_argument Artifact.grant: permission (argument 4) must be one of read, write, admin, got 'own'
refused(Artifact.get, work, {content_hash = "x"})
-- expect: false bad_argument Artifact.get: id (argument 2) must be a string, got <a table|an object>
refused(Artifact.query, {limit = -1})
-- expect: false bad_argument Artifact.query: limit must be a whole number from 0, got -1
