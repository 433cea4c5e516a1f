"""The figures are right about what happened."""

from llmspell.state.manager import StateManager
from llmspell.state.metrics import Metrics


def test_operations_are_counted(state: StateManager) -> None:
    for number in range(100):
        state.set("s", f"k{number}", number)
    for number in range(200):
        state.load("s", f"k{number}")
    state.delete("s", "k0")
    state.increment("s", "n")
    figures = state.metrics.snapshot()
    assert (figures["reads"], figures["writes"], figures["deletes"]) == (200, 101, 1)
    assert figures["cache_hit_rate"] == 0.5
    assert figures["ops_per_second"] > 0
    assert 0 < figures["avg_latency_us"] <= figures["p99_latency_us"] * 1.2 + 1


def test_nothing_done_is_all_zeros() -> None:
    assert set(Metrics().snapshot().values()) == {0}


def test_the_percentile_is_off_by_an_eighth_at_most() -> None:
    metrics = Metrics()
    for nanoseconds in [1000] * 98 + [50_000] * 2:
        metrics.record(nanoseconds)
    figures = metrics.snapshot()
    assert 50 <= figures["p99_latency_us"] <= 50 * 1.125
    assert figures["avg_latency_us"] == (98 * 1000 + 2 * 50_000) / 100 / 1000


def test_every_duration_has_a_bucket() -> None:
    metrics = Metrics()
    for exponent in range(60):
        for nanoseconds in (2**exponent - 1, 2**exponent, 2**exponent + 1):
            metrics.record(nanoseconds)
            single = Metrics()
            single.record(nanoseconds)
            upper = single._percentile(0.99)
            assert nanoseconds < upper <= nanoseconds * 1.126 + 1
    assert metrics.snapshot()["p99_latency_us"] > 0
