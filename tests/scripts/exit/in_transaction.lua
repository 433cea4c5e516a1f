-- stores: lmdb
-- expect exit: 2
State.transaction(function()
  State.save("g", "k", 1)
  pcall(os.exit, 2)
  State.save("g", "l", 1)
end)
