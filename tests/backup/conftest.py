"""A state on disk with its backups, a clock that moves by hand, and what a store holds as plain data."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from llmspell.backup.backups import Backups
from llmspell.backup.seal import checksum
from llmspell.backup.secret import Secret
from llmspell.state.manager import StateManager
from llmspell.storage import keys
from llmspell.storage.check import check
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.store import Store

START = 1_700_000_000_000_000
DAY = 86_400_000_000


class Clock:
    """µs since 1970, moved by hand, and by 1 µs at every look."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        self.now += 1
        return self.now


class Place:
    """A folder with a store and the backups of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "backups"
        self.clock = Clock()
        self.store: Store = LmdbStore(folder / "store", sync=False)
        self.state = self.open(self.store)
        self.backups = self.use()

    def open(self, store: Store, **options: Any) -> StateManager:
        return StateManager(store, **{"clock": self.clock, "correlation_id": "run", **options})

    def use(self, state: StateManager | None = None, **options: Any) -> Backups:
        """The same backups with other options, or of another state."""
        if "secret" in options:
            secret = Secret(options.pop("secret"))
            options |= {"ask_secret": lambda: secret, "encrypt": True, "iterations": 1000}
        return Backups(state or self.state, str(self.path), **options)

    def files(self) -> dict[str, bytes]:
        """Every file of the backups but the lock."""
        return {file.name: file.read_bytes() for file in sorted(self.path.iterdir()) if file.name != ".lock"}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A state on disk that is checked at the end."""
    made = Place(tmp_path)
    with made.store:
        yield made
        assert check(made.store).problems == []


def content(store: Store, *, exactly: bool = False) -> dict[bytes, bytes]:
    """All that a store holds; without `exactly`, but for what a restore adds: its place in the journal."""
    with store.read() as txn:
        everything = dict(txn.scan(b""))
    if not exactly:
        everything.pop(keys.HEAD, None)
        newest = max((key[:9] for key in everything if key.startswith(keys.JOURNAL)), default=b"j")
        everything = {key: value for key, value in everything.items() if not key.startswith(newest)}
    return everything


def values(state: StateManager) -> dict[tuple[str, str], Any]:
    """Every value under its scope and key."""
    return {(scope, key): state.get(scope, key) for scope in state.list_scopes() for key in state.list_keys(scope)}


def write_later_format(path: Path) -> None:
    """Make a manifest one of the next format, otherwise sound."""
    body = path.read_bytes()[:-32].replace(b"llmspell-backup 1\n", b"llmspell-backup 2\n")
    path.write_bytes(body + checksum(body))


Dump = Callable[[Store], dict[bytes, bytes]]
