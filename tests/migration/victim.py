"""A process that migrates the store it is given, to be killed: `python victim.py PATH [migrate|rollback]`."""

import sys

from llmspell.migration import run
from llmspell.migration.catalogue import Catalogue
from llmspell.migration.engine import Migrations
from llmspell.migration.request import Request
from llmspell.state.manager import StateManager

run.BATCH = 100

with StateManager.with_backend("lmdb", path=sys.argv[1]) as manager:
    migrations = Migrations(manager, Catalogue(default=(1, 0, 0)))
    print("ready", flush=True)
    if sys.argv[2] == "migrate":
        outcome = migrations.migrate(Request((2, 0, 0)), lambda done, total: print(done, total, flush=True))
    else:
        outcome = migrations.rollback()
    print(outcome.status, outcome.error or "", flush=True)
