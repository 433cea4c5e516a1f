-- expect error: bad_argument: os.exit: status must be 0 to 255, got 256
os.exit(256)
