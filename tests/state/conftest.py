"""What the tests of the state share: a clock that stands still, and managers over the `store` of each back end."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from llmspell.state.check import examine, examine_index
from llmspell.state.manager import StateManager
from llmspell.storage.check import check
from llmspell.storage.store import Store

START = 1_700_000_000_000_000
SECOND = 1_000_000


class Clock:
    """µs since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * SECOND)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(store: Store, clock: Clock) -> Iterator[Callable[..., StateManager]]:
    """Managers with options of their own, all over one store and with one clock. Afterwards all in it must be sound."""

    def make(**options: Any) -> StateManager:
        return StateManager(store, **{"clock": clock, "correlation_id": "run-1", **options})

    yield make
    assert problems(store) == []


def problems(store: Store) -> list[str]:
    """All that is wrong with what the state has stored."""
    found = check(store, examine).problems
    with store.read() as txn:
        return [*found, *examine_index(txn)]


@pytest.fixture
def state(make: Callable[..., StateManager]) -> StateManager:
    return make()
