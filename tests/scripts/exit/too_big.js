// expect error: bad_argument: exit: status must be 0 to 255, got 256
exit(256)
