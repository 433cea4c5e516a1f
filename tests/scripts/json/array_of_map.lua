-- expect error: bad_argument: JSON.array: the argument must be a table with the keys 1..n, got another table
JSON.array({a = 1})
