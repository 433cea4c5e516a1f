-- expect error: script: unfinished string near '"é'
-- expect at: ééééééééééééééééééééééééééééééééééééééé.lua:3
x = "é
