// config: runtime.sessions.enabled = true
// stores: lmdb
const row = (...items) => print(items.map((item) => item ?? 'nil').join('\t'))
const id = Session.create({name: 'x', tags: ['b', 'a'], metadata: {list: [1, 2.5, 'é'], deep: {k: true}}})
const found = Session.get(id)
row(found.id === id, found.name, found.tags.join(','), found.status, found.parent_session_id)
// expect: true	x	b,a	active	nil
row(found.metadata.list[1], found.custom_metadata.list[2], found.metadata.deep.k, found.artifact_count, found.ended_at)
// expect: 2.5	é	true	0	nil
const point = Session.save(id)
row(String(point) === point.checkpoint_id, point.label, Number.isInteger(point.version) ? 'integer' : 'float')
// expect: true		integer
row(Session.checkpoints(id).length, Session.load(id) === id, Session.load(id, {checkpoint: point}) === id)
// expect: 1	true	true
State.transaction(() => {
  State.save('session:' + id, 'in', 1)
  Session.save(id, {label: 'inside'})
  try { State.transaction(() => { Session.complete(id); throw new Error('undone') }) } catch {}
})
row(Session.get(id).status, Session.get(id).checkpoint_count)
// expect: active	2
const child = Session.fork(id, {checkpoint: 'inside', name: 'child'})
row(State.load('session:' + child, 'in'), Session.list({parentSessionId: id}).length, Session.timeline(child)[0].forked_from === id)
// expect: 1	1	true
Session.deleteCheckpoint(id, point)
row(Session.checkpoints(id).length)
// expect: 1
