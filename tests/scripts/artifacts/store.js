// config: runtime.sessions.enabled = true
// stores: lmdb
const work = Session.create({name: 'work', created_by: 'ann'})
const id = Artifact.store(work, 'agent_output', 'report.md', '# Grün', {
  mimeType: 'text/markdown', tags: ['draft', 'weekly'], description: 'First', author: {name: 'bo'}, score: 3,
})
print(String(id) === `${work}/1/${id.content_hash.slice(0, 8)}`, id.session_id === work, id.sequence)
// expect: true true 1

// The id, its text form, an object put together by hand, and a name mean the same.
const byHand = {content_hash: id.content_hash, session_id: work, sequence: 1}
for (const each of [id, String(id), byHand, 'report.md']) print(Artifact.getContent(work, each))
// expect: # Grün
// expect: # Grün
// expect: # Grün
// expect: # Grün

const got = Artifact.get('', id)
print(got.content, got.id.sequence, got.metadata.name, got.metadata.custom.author.name, got.metadata.custom.score)
// expect: # Grün 1 report.md bo 3
const info = Artifact.info(work, 'report.md')
print(info.size, info.stored_size, info.original_size, info.is_compressed, info.mime_type, info.created_by, info.description)
// expect: 7 7 7 false text/markdown ann First
print(info.metadata.artifact_type, info.tags[0], info.tags[1], info.version, info.parent_artifact === undefined)
// expect: agent_output draft weekly 1 true

// Objects are stored as JSON, bytes as bytes; versions count by name.
Artifact.store(work, 'tool_result', 'data', {b: [1, 2.5], a: 'x'})
print(Artifact.getContent(work, 'data'), Artifact.info(work, 'data').mime_type)
// expect: {"a":"x","b":[1,2.5]} application/json
const bytes = Artifact.store(work, 'tool_result', 'data', new Uint8Array([255, 0]), {parentArtifact: id})
print(Artifact.getContent(work, bytes).length, Artifact.info(work, bytes).version, Artifact.info(work, bytes).parent_artifact === String(id))
// expect: 2 2 true
for (const each of Artifact.versions(work, 'data')) print(each.version, each.size)
// expect: 1 21
// expect: 2 2

// A long text is compressed; the same content costs nothing the second time.
const long = 'the same line\n'.repeat(5000)
Artifact.store(work, 'log', 'long', long)
Artifact.store(work, 'log', 'long', long)
print(Artifact.info(work, 'long').is_compressed, Artifact.getContent(work, 'long') === long)
// expect: true true
const stats = Artifact.stats(work)
print(stats.count, stats.bytes, stats.stored_bytes < 5000, stats.deduplicated_bytes)
// expect: 5 140030 true 70000
print(Session.get(work).artifact_count, Session.get(work).artifact_bytes)
// expect: 5 140030

print(Artifact.list(work, {type: 'tool_result'}).map(each => each.sequence).join(' '))
// expect: 2 3
Artifact.delete(work, 'long')
Artifact.delete(work, bytes)
let gone
try { Artifact.info(work, bytes) } catch (error) { gone = error }
print(Artifact.list(work).length, Artifact.info(work, 'long').version, gone.code)
// expect: 3 1 not_found

// What a transaction does is done as a whole, or not at all.
try {
  State.transaction(() => {
    State.save('app', 'key', 1)
    Artifact.store(work, 'log', 'undone', 'x')
    throw new Error('no')
  })
} catch {}
State.transaction(() => {
  Artifact.store(work, 'log', 'kept', 'x')
  Artifact.delete(work, 'data')
})
for (const each of Artifact.list(work)) print(each.name)
// expect: report.md
// expect: long
// expect: kept
