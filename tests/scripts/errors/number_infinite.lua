-- expect error: bad_argument: sleep: seconds (argument 1) must be a number, got an infinite number
sleep(1/0)
