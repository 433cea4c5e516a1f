-- expect error: script: elsewhere.lua:²: x
error("elsewhere.lua:²: x", 0)
