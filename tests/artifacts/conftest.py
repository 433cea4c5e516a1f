"""What the tests of artifacts share: artifacts in every kind of store, which are verified at the end of each test."""

from collections.abc import Iterator
from typing import Any

import pytest

from llmspell.artifacts.artifacts import Artifacts
from llmspell.backup.examination import examine, examine_index
from llmspell.sessions.policies import Policies
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from llmspell.storage.store import Store
from tests.state.conftest import Clock


class Place:
    """Artifacts of sessions in one store, a clock moved by hand, and what was announced."""

    def __init__(self, store: Store, **policies: Any) -> None:
        self.store = store
        self.clock = Clock()
        self.told: list[tuple[str, dict[str, Any], str]] = []
        self.state = StateManager(store, clock=self.clock)
        self.sessions = Sessions(self.state, self.state, policies=Policies(**policies))
        self.artifacts = Artifacts(self.sessions, announce=self.tell)
        self.id = self.sessions.create(name="first", created_by="ann")

    def tell(self, event: str, data: dict[str, Any], *, point: str = "") -> None:
        self.told.append((event, data, point))

    def kinds(self, session_id: str = "") -> list[str]:
        return [entry.kind for entry in self.sessions.timeline(session_id or self.id)]

    def count(self) -> tuple[int, int]:
        found = self.sessions.get(self.id)
        return found.artifact_count, found.artifact_bytes

    def names(self, session_id: str = "") -> list[tuple[str, int]]:
        return [(each.name, each.version) for each in self.artifacts.list(session_id or self.id)]


@pytest.fixture
def place(store: Store) -> Iterator[Place]:
    made = Place(store)
    yield made
    assert problems(made.store) == []
    # Whatever a test did, what is left can be taken away.
    for session in made.sessions.list(status="all"):
        made.sessions.delete(session.id, force=True)
    made.artifacts.collect()
    assert problems(made.store) == []
    with made.store.read() as txn:
        assert [key for key in txn.scan_keys(b"A", b"C") if not key.startswith(b"Au")] == []


def problems(store: Store) -> list[str]:
    """All that is wrong with anything in a store."""
    with store.read() as txn:
        found = [problem for key, value in txn.scan(b"") if (problem := examine(key, value)) is not None]
        return found or list(examine_index(txn))
