// Artifacts: files of a session. Versions, metadata, search, sharing between sessions, checkpoints.
//
// Config: configs/session-enabled.toml
// Run:    llmspell -c configs/session-enabled.toml run examples/javascript/session/artifacts.js

const report = Session.create({name: 'report', created_by: 'ann'})

// 1. Text, bytes, and objects, which are stored as JSON. The result is an id; its text form can be saved or printed.
const draft = Artifact.store(report, 'agent_output', 'report.md', '# Foxes\nA draft.', {
  mime_type: 'text/markdown', tags: ['draft', 'foxes'], description: 'The weekly report', author: 'ann',
})
Artifact.store(report, 'tool_result', 'figures', {seen: 12, places: ['wood', 'field']})
Artifact.store(report, 'system_generated', 'picture', new Uint8Array([0x89, 0x50, 0x4e, 0x47]), {mime_type: 'image/png'})
print(`The id's text form ends in ${String(draft).slice(36)}`)
print(`Figures: ${Artifact.getContent(report, 'figures')}`)

// 2. Storing under the same name makes a new version; the name means the latest one.
Artifact.store(report, 'agent_output', 'report.md', '# Foxes\nTwelve were seen.', {
  mime_type: 'text/markdown', tags: ['final', 'foxes'], parent_artifact: draft,
})
for (const version of Artifact.versions(report, 'report.md')) {
  print(`Version ${version.version}: ${version.size} bytes, tags ${version.tags.join(' ')}`)
}
const body = text => text.split('\n')[1]
print(`Latest: ${body(Artifact.getContent(report, 'report.md'))}`)
print(`First:  ${body(Artifact.getContent(report, draft))}`)

// 3. What is known about one, and the rest of what was given.
const info = Artifact.info(report, draft)
print(`Draft: ${info.mime_type}, ${info.description}, by ${info.custom.author}`)

// 4. The same content is stored once, and long texts are compressed.
const log = 'nothing happened\n'.repeat(2000)
Artifact.store(report, 'log', 'monday.log', log)
Artifact.store(report, 'log', 'tuesday.log', log)
const [monday, tuesday] = [Artifact.info(report, 'monday.log'), Artifact.info(report, 'tuesday.log')]
print(`Logs: ${monday.size} bytes each, compressed: ${monday.is_compressed}`)
print(`The same content: ${monday.content_hash === tuesday.content_hash}`)
print(`Cost nothing: ${Artifact.stats(report).deduplicated_bytes >= log.length}`)

// 5. Searching: by tags, type, name, time, size, fields of one's own, and text.
const names = found => found.map(each => `${each.name} v${each.version}`).join(', ')
print(`Tagged foxes: ${names(Artifact.query({sessionId: report, tags: ['foxes']}))}`)
print(`Named *.log:  ${names(Artifact.query({sessionId: report, namePattern: '*.log'}))}`)
print(`By ann:       ${names(Artifact.query({sessionId: report, custom: {author: 'ann'}}))}`)
print(`With twelve:  ${names(Artifact.query({sessionId: report, text: 'twelve'}))}`)

// 6. Sharing: while a session is current, it sees what it owns and what it was granted.
const review = Session.create({name: 'review', parent_session_id: report})
Session.setCurrent(review)
try {
  Artifact.getContent(report, 'report.md')
} catch (problem) {
  print(`Before the grant: false, ${problem.code}`)
}
Session.setCurrent(null)
Artifact.grant(report, 'report.md', review, 'read')
Session.setCurrent(review)
print(`After the grant:  ${Artifact.query().length} artifact, ${body(Artifact.getContent(report, 'report.md'))}`)
Session.setCurrent(null)

// 7. A checkpoint keeps what is deleted after it.
Session.save(report, {label: 'complete'})
Artifact.delete(report, 'report.md')
Artifact.delete(report, 'figures')
print(`After deleting: ${Artifact.list(report).length} artifacts`)
Session.load(report, {checkpoint: 'complete'})
print(`Put back:       ${Artifact.list(report).length} artifacts`)

// 8. A change of the state and its artifact are one commit.
State.transaction(() => {
  const copy = Artifact.store(report, 'agent_output', 'summary', 'Twelve foxes.')
  State.save(`session:${report}`, 'summary', String(copy))
})
print(`Summary: ${Artifact.getContent(null, State.load(`session:${report}`, 'summary'))}`)

for (const session of [review, report]) Session.delete(session, {force: true})
