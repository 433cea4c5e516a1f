return require("module_a")
