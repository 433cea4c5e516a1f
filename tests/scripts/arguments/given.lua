-- args: one two 3
-- expect: {"one", "two", "3"}	3
-- expect: one	two	3
-- expect: one	3	given.lua
print(args, #args)
print(...)
print(arg[1], #arg, arg[0]:match("[^/]+$"))
