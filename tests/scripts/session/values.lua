-- config: runtime.sessions.enabled = true
-- stores: lmdb
local id = Session.create{name = "x", tags = {"b", "a"}, metadata = {list = {1, 2.5, "é"}, deep = {k = true}}}
local found = Session.get(id)
print(found.id == id, found.name, table.concat(found.tags, ","), found.status, found.parent_session_id)
-- expect: true	x	b,a	active	nil
print(found.metadata.list[2], found.custom_metadata.list[3], found.metadata.deep.k, found.artifact_count, found.ended_at)
-- expect: 2.5	é	true	0	nil
local point = Session.save(id)
print(tostring(point) == point.checkpoint_id, point.label, math.type(point.version))
-- expect: true		integer
print(#Session.checkpoints(id), Session.load(id) == id, Session.load(id, {checkpoint = point}) == id)
-- expect: 1	true	true
State.transaction(function()
  State.save("session:" .. id, "in", 1)
  Session.save(id, {label = "inside"})
  pcall(State.transaction, function() Session.complete(id) error("undone") end)
end)
print(Session.get(id).status, Session.get(id).checkpoint_count)
-- expect: active	2
local child = Session.fork(id, {checkpoint = "inside", name = "child"})
print(State.load("session:" .. child, "in"), #Session.list({parent_session_id = id}), Session.timeline(child)[1].forked_from == id)
-- expect: 1	1	true
Session.delete_checkpoint(id, point)
print(#Session.checkpoints(id))
-- expect: 1
