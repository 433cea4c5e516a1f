"""Replay: recorded executions of hooks run again, compared with what they did, with nothing changed by it."""
