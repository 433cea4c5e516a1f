return {sibling = require("./sibling").value, tail = function() return require("./sibling") end}
