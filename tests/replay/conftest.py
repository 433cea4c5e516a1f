"""A session with recorded hooks: what the tests of replays share."""

from collections.abc import Iterator
from typing import Any

import pytest

from llmspell.events.events import Events
from llmspell.hooks.hooks import Hooks
from llmspell.hooks.state_points import StatePoints
from llmspell.replay.replays import Replays
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from llmspell.storage.check import check
from llmspell.storage.memory import MemoryStore
from llmspell.storage.store import Store
from tests.state.conftest import problems


class Work:
    """Everything that a runtime puts together, with sessions in the state's store or in one of their own."""

    def __init__(self, *, is_shared: bool) -> None:
        self.store: Store = MemoryStore()
        self.own_store: Store = self.store if is_shared else MemoryStore()
        self.state = StateManager(self.store)
        home = self.state if is_shared else StateManager(self.own_store)
        self.sessions = Sessions(home, self.state)
        self.hooks = Hooks(correlation=self.state.current_correlation_id)
        self.points = StatePoints(self.hooks, self.state, None)
        self.events = Events(self.state)
        self.hooks.recorders.append(self.sessions.record_execution)
        self.events.recorders.append(
            lambda event: self.sessions.note("event.published", {"event_type": event.event_type})
        )
        self.replays = Replays(self.sessions, lambda: self.hooks, events=lambda: self.events)
        self.session = self.sessions.create(name="work")

    def record(self, *changes: tuple[str, Any]) -> None:
        """Save values in the session's scope while it is current, so that hooks run and are recorded."""
        self.sessions.set_current(self.session)
        for key, value in changes:
            self.state.set(f"session:{self.session}", key, value)
        self.sessions.set_current(None)
        self.sessions.flush()

    def contents(self) -> list[tuple[bytes, bytes]]:
        """Every byte of both stores."""
        found = []
        for store in (self.store, self.own_store):
            with store.read() as txn:
                found += list(txn.scan(b"", b"\xff" * 8))
        return found


@pytest.fixture(params=[True, False], ids=["one store", "two stores"])
def work(request: pytest.FixtureRequest) -> Iterator[Work]:
    made = Work(is_shared=request.param)
    yield made
    assert problems(made.store) == []
    assert check(made.own_store).problems == []
