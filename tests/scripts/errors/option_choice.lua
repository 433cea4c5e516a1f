-- expect error: bad_argument: State.save: the option 'class' must be one of ephemeral, trusted, standard, sensitive, external, got 'x'
State.save("g", "k", 1, {class = "x"})
