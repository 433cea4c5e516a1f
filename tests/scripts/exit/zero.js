// expect exit: 0
exit()
