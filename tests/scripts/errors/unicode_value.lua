-- expect error: bad_value: State.save: cannot store a key <of bytes that are no UTF-8 (at $["?"])|with a lone surrogate (at $)>
State.save("g", "k", {["\255"] = 1})
