-- expect: one
-- expect: two	2
-- expect:
-- expect: café ☃ 𝄞
-- expect: nil	false
print("one")
print("two", 2)
print()
print("café ☃ 𝄞")
print(nil, false)
