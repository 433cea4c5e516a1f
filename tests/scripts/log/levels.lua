-- expect stderr: plain
-- expect stderr: count=3
-- expect stderr: careful
-- expect stderr: wrong
Log.debug("hidden")
Log.info("plain")
Log.info("with fields", {count = 3})
Log.warn("careful")
Log.error("wrong", {})
