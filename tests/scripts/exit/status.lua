-- expect exit: 3
-- expect: before
print("before")
pcall(os.exit, 3)
print("after")
