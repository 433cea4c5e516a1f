// config: runtime.sessions.enabled = true
const one = Session.create({name: 'one'}), two = Session.create({name: 'two'})
Artifact.store(one, 'note', 'alpha.md', 'about foxes', {tags: ['a'], lang: 'en'})
Artifact.store(one, 'log', 'beta.log', 'x'.repeat(100), {tags: ['a', 'b']})
Artifact.store(two, 'note', 'gamma.md', 'about owls', {tags: ['b'], lang: 'de'})
const show = query => print(Artifact.query(query).map(each => each.name).join(' '))
show({})
// expect: gamma.md beta.log alpha.md
show({tags: ['a', 'b']})
// expect: beta.log
show({type: 'note', limit: 1})
// expect: gamma.md
show({namePattern: '*.MD'})
// expect: gamma.md alpha.md
show({sessionId: one, text: 'ABOUT'})
// expect: alpha.md
show({custom: {lang: 'de'}})
// expect: gamma.md
show({minSize: 50, createdAfter: 0, createdBefore: '2999-01-01T00:00:00Z'})
// expect: beta.log

// With a current session, only what it owns or was granted is seen.
Session.setCurrent(two)
show({})
// expect: gamma.md
const code = call => { try { call() } catch (error) { return error.code } }
print(code(() => Artifact.get(one, 'alpha.md')))
// expect: access_denied
Session.setCurrent(null)
Artifact.grant(one, 'alpha.md', two, 'read')
Session.setCurrent(two)
show({})
// expect: gamma.md alpha.md
print(Artifact.getContent(one, 'alpha.md'), Artifact.list(one).length, Artifact.list().length)
// expect: about foxes 1 1
print(code(() => Artifact.delete(one, 'alpha.md')))
// expect: access_denied
Session.setCurrent(null)
Artifact.revoke(one, 'alpha.md', two, 'read')
Session.setCurrent(two)
show({})
// expect: gamma.md
