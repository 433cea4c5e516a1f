-- config: runtime.security.allow_file_access = true
-- expect error: bad_argument: require: the module 'module_a' is still loading: modules require each other in a circle
require("module_a")
