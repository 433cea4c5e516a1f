-- config: runtime.security.allow_file_access = true
-- expect: false
-- expect error: script: at load
-- expect at: module_fails.lua:2
print((pcall(require, "module_fails")))
require("module_fails")
