// expect error: bad_argument: sleep: seconds must be 0 or more, got -1
sleep(-1)
