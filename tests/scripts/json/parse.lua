-- expect: 1	integer	1.0	float	100.0	float
-- expect: {1, null, {}}	3	true
-- expect: nil	nil	false
-- expect: é𝄞	9223372036854775807
-- expect: {}	{}	[]
local t = JSON.parse('{"a": 1, "b": 1.0, "c": 1e2, "d": [1, null, {}], "e": null}')
print(t.a, math.type(t.a), t.b, math.type(t.b), t.c, math.type(t.c))
print(t.d, #t.d, t.d[2] == JSON.null)
print(t.e, JSON.parse("null"), JSON.parse("false"))
print(JSON.parse('"\\u00e9\\ud834\\udd1e"'), JSON.parse("9223372036854775807"))
print(JSON.stringify(JSON.parse("{}")), JSON.parse("[]"), JSON.stringify(JSON.parse("[]")))
