"""What the tests of hooks share: hooks with a clock that is moved by hand and warnings that are kept."""

from typing import Any

import pytest

from llmspell.hooks.breaker import BreakerPolicy
from llmspell.hooks.hooks import Hooks


class Bench:
    """Hooks with nothing real around them: `now` is their clock, `warnings` what they said, `waited` how long they slept."""

    def __init__(self) -> None:
        self.now = 0.0
        self.warnings: list[tuple[str, dict[str, Any]]] = []
        self.waited: list[float] = []
        self.hooks = Hooks(
            breaker=BreakerPolicy(clock=lambda: self.now),
            correlation=lambda: "run-1",
            warn=lambda message, fields: self.warnings.append((message, fields)),
            wait=self.waited.append,
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def hooks(bench: Bench) -> Hooks:
    return bench.hooks
