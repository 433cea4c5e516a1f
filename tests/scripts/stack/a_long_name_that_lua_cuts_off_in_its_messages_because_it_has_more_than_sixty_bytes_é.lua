-- expect error: script: attempt to perform arithmetic on a nil value
-- expect at: a_long_name_that_lua_cuts_off_in_its_messages_because_it_has_more_than_sixty_bytes_é.lua:3
local x = nil + 1
