-- config: runtime.security.allow_file_access = true
-- expect error: script: unexpected symbol near '='
-- expect at: module_syntax.lua:3
require("module_syntax")
