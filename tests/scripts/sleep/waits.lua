-- expect: true
-- expect: nil
local before = os.time()
print(sleep(0.01) == nil and os.time() - before < 5)
print(sleep(0))
