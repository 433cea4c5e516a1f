"""Programs that tests run in processes of their own, because they end badly or must be many."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TIMEOUT = 120
PRELUDE = """
import os, signal, sys, time
from llmspell.errors import *
from llmspell.storage.check import check
from llmspell.storage.grouped import GroupedStore
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.memory import MemoryStore

path = sys.argv[1]
"""


def start(code: str, *arguments: object) -> "subprocess.Popen[bytes]":
    """A Python process with stores and errors imported, `path` its first argument, and its output in a pipe."""
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def run(code: str, *arguments: object) -> str:
    """What the program printed; it must end well."""
    with start(code, *arguments) as process:
        output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, f"ended with {process.returncode} after {output.decode()}"
    return output.decode()
