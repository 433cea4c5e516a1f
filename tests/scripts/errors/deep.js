// expect error: bad_value: State.save: nested deeper than 128 levels (at $[<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>][<1|0>]...)
let t = []; for (let i = 0; i < 128; i++) t = [t]; State.save("g", "k", t)
