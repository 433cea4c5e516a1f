return require("module_b")
