-- expect exit: 4
os.exit(4.0)
