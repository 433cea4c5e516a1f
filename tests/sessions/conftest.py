"""What the tests of sessions share: a clock moved by hand, sessions over the state's store, and sessions over their own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from llmspell.sessions import check
from llmspell.sessions.policies import Policies
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from llmspell.storage.memory import MemoryStore
from llmspell.storage.store import Store
from tests.state.conftest import Clock
from tests.state.conftest import problems as problems_of_state


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def state(store: Store, clock: Clock) -> Iterator[StateManager]:
    yield StateManager(store, clock=clock, correlation_id="run-1")
    assert problems(store) == []


@pytest.fixture
def told() -> list[tuple[str, dict[str, Any], str]]:
    """What was announced: event, data and point."""
    return []


@pytest.fixture
def make(state: StateManager, told: list[tuple[str, dict[str, Any], str]]) -> Callable[..., Sessions]:
    """Sessions in the state's store, or with `separate` in one of their own, with policies by name."""

    def make(*, separate: bool = False, home: StateManager | None = None, **policies: Any) -> Sessions:
        if home is None:
            home = StateManager(MemoryStore(), clock=state.clock, correlation_id="run-1") if separate else state
        return Sessions(
            home,
            state,
            policies=Policies(**policies),
            announce=lambda event, data, *, point="": told.append((event, data, point)),
        )

    return make


@pytest.fixture(params=["shared", "separate"])
def sessions(request: pytest.FixtureRequest, make: Callable[..., Sessions]) -> Iterator[Sessions]:
    made = make(separate=request.param == "separate")
    yield made
    assert problems(made.home.store) == []


def problems(store: Store) -> list[str]:
    """All that is wrong with what the state and the sessions have stored."""
    found = [problem for key, value in everything(store) if (problem := check.examine(key, value)) is not None]
    with store.read() as txn:
        return [*problems_of_state(store), *found, *check.examine_index(txn)]


def everything(store: Store) -> list[tuple[bytes, bytes]]:
    with store.read() as txn:
        return list(txn.scan(b""))


def scope(session_id: str) -> str:
    return f"session:{session_id}"
