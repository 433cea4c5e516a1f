"""Every kind of store, with a way to open it again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmspell.storage.check import check
from llmspell.storage.grouped import GroupedStore
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.memory import MemoryStore
from llmspell.storage.store import Store

KINDS = ("memory", "lmdb", "grouped-memory", "grouped-lmdb")
LONG_MS = 60_000
"""A window that ends only when the test wants it to."""


def open_kind(kind: str, path: Path) -> Store:
    base: Store = MemoryStore() if kind.endswith("memory") else LmdbStore(path, sync=False)
    return GroupedStore(base, LONG_MS) if kind.startswith("grouped") else base


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def any_store(kind: str, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind, checked at the end."""
    with open_kind(kind, tmp_path / "store") as store:
        yield store
        assert check(store).problems == []


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store may be made."""
    return tmp_path / "store"
