
error("at load")
