"""What all tests share: the `store` fixture. After each test that used it, the whole store is checked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmspell.storage.check import check
from llmspell.storage.store import Store


@pytest.fixture(params=["memory", "lmdb"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each back end. It may be closed by the test."""
    from llmspell.storage.lmdb import LmdbStore
    from llmspell.storage.memory import MemoryStore

    path = tmp_path / "store"
    opened: Store = MemoryStore() if request.param == "memory" else LmdbStore(path)
    with opened:
        yield opened
        if request.param == "memory":
            assert check(opened).problems == []
        else:
            with LmdbStore(path) as again:
                assert check(again).problems == []
