-- expect error: access_denied: require: 'module_plain' is not granted to this script
require("module_plain")
