-- expect error: script: unexpected symbol near '='
-- expect at: syntax.lua:4

x = = 1
