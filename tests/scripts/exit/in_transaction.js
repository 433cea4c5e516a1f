// stores: lmdb
// expect exit: 2
State.transaction(() => {
  State.save('g', 'k', 1)
  try {
    exit(2)
  } finally {
    State.save('g', 'l', 1)
  }
})
