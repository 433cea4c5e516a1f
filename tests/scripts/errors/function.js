// expect error: bad_value: State.save: cannot store a function (at $.a[<3|2>])
State.save("g", "k", { a: [1, 2, print] })
