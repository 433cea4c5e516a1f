"""The circuit breaker, with the clock moved by hand."""

from typing import Any

import pytest

from llmspell.hooks.hook import Hook
from tests.hooks.conftest import Bench

POINT = "BeforeToolExecution"


class Fragile:
    """A hook that fails when it is told to. The policy: 5 failures, off for 30 s, on trial for 10 s."""

    def __init__(self, bench: Bench, on_error: str = "continue") -> None:
        self.bench = bench
        self.is_broken = True
        self.hook: Hook = bench.hooks.register(POINT, self.run, name="fragile", on_error=on_error)

    def run(self, _: Any) -> None:
        if self.is_broken:
            raise ValueError("broken")

    def fire(self, times: int = 1) -> str:
        for _ in range(times):
            outcome = self.bench.hooks.fire(POINT, {})
        return outcome.kind

    @property
    def state(self) -> str:
        return self.hook.breaker.state


@pytest.fixture
def fragile(bench: Bench) -> Fragile:
    return Fragile(bench)


def switched_off(bench: Bench) -> int:
    return len([message for message, _ in bench.warnings if "switched off" in message])


def test_failures_in_a_row_switch_a_hook_off_with_one_warning(bench: Bench, fragile: Fragile) -> None:
    fragile.fire(4)
    assert (fragile.state, fragile.hook.is_enabled, switched_off(bench)) == ("closed", True, 0)
    fragile.fire()
    assert (fragile.state, fragile.hook.is_enabled, switched_off(bench)) == ("open", False, 1)
    fragile.fire(10)
    assert (fragile.hook.executions, switched_off(bench), len(bench.warnings)) == (5, 1, 5)


def test_a_success_between_failures_starts_the_count_anew(fragile: Fragile) -> None:
    fragile.fire(4)
    fragile.is_broken = False
    fragile.fire()
    fragile.is_broken = True
    fragile.fire(4)
    assert fragile.state == "closed"


def test_a_hook_that_works_again_is_closed_after_its_trial(bench: Bench, fragile: Fragile) -> None:
    fragile.fire(5)
    bench.now = 29.9
    assert fragile.state == "open"
    bench.now = 30
    assert (fragile.state, fragile.hook.is_enabled) == ("half_open", True)
    fragile.is_broken = False
    fragile.fire(3)
    assert (fragile.state, fragile.hook.executions) == ("half_open", 8)
    bench.now = 40
    fragile.fire()
    assert (fragile.state, fragile.hook.breaker.is_calm) == ("closed", True)
    fragile.is_broken = True
    fragile.fire(4)
    assert fragile.state == "closed"
    fragile.fire()
    assert (fragile.state, switched_off(bench)) == ("open", 2)


def test_one_failure_on_trial_switches_it_off_again_without_another_warning(bench: Bench, fragile: Fragile) -> None:
    fragile.fire(5)
    bench.now = 35
    fragile.fire()
    assert (fragile.state, switched_off(bench)) == ("open", 1)
    bench.now = 64.9
    assert fragile.state == "open"
    bench.now = 65
    assert fragile.state == "half_open"


def test_a_trial_that_passes_without_a_run_is_over(bench: Bench, fragile: Fragile) -> None:
    fragile.fire(5)
    bench.now = 1000
    fragile.fire(4)
    assert fragile.state == "closed"


def test_what_needs_the_hook_is_cancelled_while_it_is_off(bench: Bench) -> None:
    fragile = Fragile(bench, "cancel")
    assert fragile.fire(5) == "cancel"
    assert fragile.state == "open"
    outcome = bench.hooks.fire(POINT, {})
    assert (outcome.kind, outcome.reason) == ("cancel", "it is switched off, because it kept failing")
    assert fragile.hook.executions == 5
    assert bench.hooks.figures()["switched_off"] == 1
