"""State: values under scope and key, with versions, expiry, classes, transactions and a journal. No script needed."""
