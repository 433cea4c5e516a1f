"""Backups: a consistent snapshot of a whole store in a folder, verified, and put back exactly.

It knows a store as ordered keys and values, so that parts of the program which came later are in every backup. Only what
an incremental backup saves, its speed, rests on the layout of the state and its journal.
"""
