return require("./sibling")
