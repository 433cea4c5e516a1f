// expect exit: 3
// expect: before
print("before")
try {
  exit(3)
} catch {}
print("after")
