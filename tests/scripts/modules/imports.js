// config: runtime.security.allow_file_access = ["{here}"]
// config: engines.lua.package_paths = ["{here}/module_paths"]
// expect: plain 41 1
// expect: sibling
// expect: from the path
// expect: not_found
// expect: access_denied
// expect: b a
import plain, { name } from './module_plain.js'
import './module_plain.js'
import { sibling } from './module_folder/init.js'
import elsewhere from 'elsewhere'
import * as a from './module_a.js'
import * as b from './module_b.js'
print(name, plain, plainLoads)
print(sibling)
print(elsewhere)
await import('./nowhere.js').catch((e) => print(e.code))
await import('../../../conftest.py').catch((e) => print(e.code))
print(a.seen(), b.seen())
