"""Runs `llmspell run` on a script, reads what it prints and kills it at a random moment."""

import os
import random
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from llmspell.state.check import examine, examine_index
from llmspell.state.manager import StateManager
from llmspell.storage.check import check
from llmspell.storage.lmdb import LmdbStore


@dataclass
class Victim:
    """One script (`lua`, `javascript`, or `python` with the store's path as its argument) on one store.

    `kill` runs it until a random moment after its first line.
    """

    folder: Path
    script: str
    language: str
    config: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.path = self.folder / {"lua": "victim.lua", "javascript": "victim.js", "python": "victim.py"}[self.language]
        self.path.write_text(self.script)
        self.settings = self.folder / "llmspell.toml"
        self.settings.write_text(f'[state]\nbackend = "disk"\npath = "{self.folder / "store"}"\n{self.config}')

    def kill(self, *arguments: str, longest: float = 0.15) -> list[str]:
        """The whole lines that the script had printed when SIGKILL hit it, at most `longest` s after its first line."""
        command = [sys.executable, str(self.path), str(self.folder / "store")]
        if self.language != "python":
            command = [
                sys.executable,
                "-m",
                "llmspell",
                "-c",
                str(self.settings),
                "run",
                str(self.path),
                "--",
                *arguments,
            ]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LLMSPELL_")}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, bufsize=0)
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        assert first, process.stderr.read().decode()
        delay = random.uniform(0, longest)
        taken = first + _read_for(process.stdout.fileno(), delay)
        process.send_signal(signal.SIGKILL)
        taken += process.stdout.read()
        assert process.wait() == -signal.SIGKILL, process.stderr.read().decode()
        process.stdout.close()
        process.stderr.close()
        return taken.decode().split("\n")[:-1]

    def open(self) -> StateManager:
        """The state as the next process finds it, after a check of every byte."""
        store = LmdbStore(self.folder / "store")
        report = check(store, examine)
        assert report.problems == []
        with store.read() as transaction:
            assert list(examine_index(transaction)) == []
        return StateManager(store)


def _read_for(descriptor: int, seconds: float) -> bytes:
    """What comes within that time: a full pipe would stop the script instead of the kill."""
    deadline, taken = time.monotonic() + seconds, b""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if selector.select(left):
                taken += os.read(descriptor, 1 << 16)
    return taken
