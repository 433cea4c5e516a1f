// expect error: bad_argument: sleep: seconds (argument 1) must be a number, got NaN
sleep(0/0)
