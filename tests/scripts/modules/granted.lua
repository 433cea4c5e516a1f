-- config: runtime.security.allow_file_access = ["{here}"]
-- config: engines.lua.package_paths = ["{here}/module_paths"]
-- expect: module_plain	true	true	1
-- expect: sibling	sibling	sibling
-- expect: from the path
-- expect: not_found
-- expect: access_denied
-- expect: bad_argument	require: name (argument 1) must be a string
local plain, path = require("module_plain")
print(plain.name, plain.path == path, require("./module_plain") == plain, plain_loads)
print(require("module_folder").sibling, require("module_folder.tail").value, require("module_folder.sibling").value)
print((require("elsewhere")))
print(select(2, pcall(require, "nowhere")).code)
print(select(2, pcall(require, "../../../conftest")).code)
local _, e = pcall(require, {})
print(e.code, tostring(e))
