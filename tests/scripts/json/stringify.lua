-- expect: {"a":1,"b":[1,2.5,null,true],"c":{},"d":[]}
-- expect: "x"	null	1.0	1	-0.0	[]	{}
-- expect: {"10":2,"2":1,"k":3}
-- expect: {
-- expect:   "a": [
-- expect:     1
-- expect:   ]
-- expect: }
-- expect: "é\u0000\"\\"
print(JSON.stringify({d = JSON.array(), c = {}, b = {1, 2.5, JSON.null, true}, a = 1}))
print(JSON.stringify("x"), JSON.stringify(nil), JSON.stringify(1.0), JSON.stringify(1), JSON.stringify(-0.0), JSON.stringify(JSON.array({})), JSON.stringify({}))
print(JSON.stringify({[10] = 2, [2] = 1, k = 3}))
print(JSON.stringify({a = {1}}, {indent = 2}))
print(JSON.stringify('é\0"\\'))
