"""Hooks: functions of scripts, of Python and of our own that are asked before, and told after, what happens."""
