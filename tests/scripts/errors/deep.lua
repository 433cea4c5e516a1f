-- expect error: bad_value: State.save: nested deeper than 128 levels (at $[<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>]...)
local t = {} for _ = 1, 128 do t = {t} end State.save("g", "k", t)
