"""The bus, from Python: who gets what, in which order, what is bounded, and what a failing listener does."""

import threading
import time

import pytest

from llmspell.errors import BadArgument, LimitExceeded, NotFound, ValueTooLarge
from llmspell.events import events as events_
from llmspell.events import subscription as subscription_
from llmspell.events.event import OVERHEAD, Event
from llmspell.events.events import MAX_CHAIN, MAX_SUBSCRIPTIONS, Events
from llmspell.state.manager import StateManager


def received(events: Events, subscription: str) -> list[object]:
    found = []
    while (event := events.receive(subscription, timeout=0)) is not None:
        found.append(event.value)
    return found


def test_a_subscription_gets_what_matches_in_order_from_then_on() -> None:
    events = Events()
    events.emit("user.created", 0)
    users, all_ = events.subscribe("user.*"), events.subscribe("*")
    for number, type in enumerate(("user.created", "order.created", "user.deleted"), 1):
        events.emit(type, number)
    assert received(events, users) == [1, 3]
    assert received(events, all_) == [1, 2, 3]


def test_an_event_tells_what_is_known_about_it() -> None:
    events = Events(clock=lambda: 1_700_000_000_123_456)
    subscription = events.subscribe("a")
    events.emit("a", {"x": [1, 2.5, b"\x00"]}, tags=["t"], source="test", priority=3, ttl=60.0, correlation_id="c-1")
    event = events.receive(subscription)
    assert event is not None
    assert (event.event_type, event.value, event.sequence, event.correlation_id, event.language) == (
        "a", {"x": [1, 2.5, b"\x00"]}, 1, "c-1", "python",
    )  # fmt: skip
    assert event.timestamp == "2023-11-14T22:13:20.123456Z"
    assert event.metadata == {"tags": ["t"], "source": "test", "priority": 3, "ttl": 60.0}


def test_ids_are_uuids_of_version_7_and_sort_by_time_and_sequence() -> None:
    import uuid

    now = [1_700_000_000_000_000]
    events = Events(clock=lambda: now[0])
    ids = []
    for step in (0, 0, 1000, 10**9):
        now[0] += step
        ids.append(events.publish("a").id)
    assert ids == sorted(ids)
    assert {uuid.UUID(id).version for id in ids} == {7}
    assert {uuid.UUID(id).variant for id in ids} == {uuid.RFC_4122}
    assert len({Events(clock=lambda: now[0]).publish("a").id for _ in range(100)}) == 100


def test_the_oldest_falls_off_a_full_queue_and_is_counted() -> None:
    events = Events(buffer_size=3)
    subscription = events.subscribe("*")
    for number in range(5):
        events.emit("a", number)
    assert events.stats()["dropped"] == 2
    assert received(events, subscription) == [2, 3, 4]
    assert events.unsubscribe(subscription)
    assert events.stats()["dropped"] == 2
    assert events.stats()["events_processed"] == 3


def test_a_queue_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription_, "MAX_BYTES", 1000 - 10 * OVERHEAD + 2 * OVERHEAD)
    events = Events(buffer_size=10)
    subscription = events.subscribe("*")
    for number in range(5):
        events.emit("a", [number, "x" * 400])
    assert [value[0] for value in received(events, subscription)] == [3, 4]  # type: ignore[index]
    events.emit("a", "x" * 5000)
    assert received(events, subscription) == ["x" * 5000]


def test_what_waits_in_all_queues_together_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_, "MAX_HELD", 10_000 - 2 * OVERHEAD)
    events = Events(buffer_size=10)
    subscriptions = [events.subscribe("*") for _ in range(4)]
    for _ in range(2):
        events.emit("a", "x" * 1000)
    with pytest.raises(LimitExceeded, match="wait"):
        events.emit("a", "x" * 1000)
    for subscription in subscriptions:
        assert len(received(events, subscription)) == 2
    events.emit("a", "x" * 1000)


def test_a_flood_is_refused_and_counted_but_not_of_the_runtimes_own(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    events = Events(max_per_second=2)
    events.publish("a")
    events.publish("a")
    with pytest.raises(LimitExceeded):
        events.publish("a")
    events.publish("state.changed", language="runtime")
    now[0] += 1
    events.publish("a")
    assert events.stats()["rate_limit_violations"] == 1
    assert events.stats()["published"] == 4


def test_after_its_ttl_an_event_is_not_delivered() -> None:
    events = Events()
    subscription = events.subscribe("*")
    events.emit("a", 1, ttl=0.02)
    events.emit("a", 2)
    time.sleep(0.03)
    assert received(events, subscription) == [2]
    assert events.stats()["dropped"] == 1


@pytest.mark.parametrize("type", ["", "a.*", "x" * 256, "a\nb", "\ud800"])
def test_what_is_no_type_is_refused(type: str) -> None:
    events = Events()
    with pytest.raises(BadArgument):
        events.publish(type)
    assert events.stats()["published"] == 0


@pytest.mark.parametrize("pattern", ["", "x" * 256, "a\0b"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(BadArgument):
        Events().subscribe(pattern)


@pytest.mark.parametrize("options", [{"ttl": 0.0}, {"ttl": -1.0}, {"ttl": float("inf")}, {"correlation_id": ""}])
def test_options_that_mean_nothing_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(BadArgument):
        Events().emit("a", **options)  # type: ignore[arg-type]


def test_data_that_are_too_large_are_refused() -> None:
    with pytest.raises(ValueTooLarge):
        Events(max_data_bytes=100).emit("a", "x" * 200)


def test_subscriptions_are_bounded() -> None:
    events = Events()
    ids = [events.subscribe("a") for _ in range(MAX_SUBSCRIPTIONS)]
    with pytest.raises(LimitExceeded):
        events.subscribe("a")
    assert events.unsubscribe(ids[0])
    assert not events.unsubscribe(ids[0])
    events.subscribe("a")


def test_receive_waits_for_another_thread() -> None:
    events = Events()
    subscription = events.subscribe("a")
    timer = threading.Timer(0.05, events.emit, ["a", 7])
    timer.start()
    event = events.receive(subscription, timeout=10)
    assert event is not None
    assert event.value == 7
    timer.join()


def test_receive_gives_up_after_its_timeout() -> None:
    events = Events()
    subscription = events.subscribe("a")
    started = time.perf_counter()
    assert events.receive(subscription, timeout=0.05) is None
    assert 0.04 < time.perf_counter() - started < 10


def test_receive_on_an_ended_subscription_is_not_found_also_while_it_waits() -> None:
    events = Events()
    subscription = events.subscribe("a")
    timer = threading.Timer(0.05, events.unsubscribe, [subscription])
    timer.start()
    with pytest.raises(NotFound):
        events.receive(subscription, timeout=10)
    with pytest.raises(NotFound):
        events.receive(subscription)
    timer.join()


def test_handlers_get_one_event_after_the_other_never_one_inside_another() -> None:
    events = Events()
    log: list[object] = []

    def handler(event: Event) -> None:
        log.append(("in", event.value))
        if event.value == 1:
            events.emit("a", 2)
        log.append(("out", event.value))

    events.subscribe("a", handler)
    events.emit("a", 1)
    assert log == [("in", 1), ("out", 1), ("in", 2), ("out", 2)]


def test_a_handler_that_raises_is_a_warning_and_nothing_to_the_publisher() -> None:
    warnings: list[tuple[str, dict[str, object]]] = []
    events = Events(warn=lambda message, fields: warnings.append((message, fields)))
    seen: list[int] = []

    def fail(_: Event) -> None:
        raise ValueError("boom")

    events.subscribe("*", fail)
    events.subscribe("*", lambda event: seen.append(event.sequence))
    for _ in range(5):
        events.publish("a")
    assert seen == [1, 2, 3, 4, 5]
    assert events.stats()["handler_failures"] == 5
    assert [fields["failures"] for _, fields in warnings] == [1, 2, 4]
    assert "boom" in warnings[0][0]


def test_handlers_that_cause_each_other_without_end_are_ended() -> None:
    warnings: list[str] = []
    events = Events(warn=lambda message, _: warnings.append(message))
    calls: list[int] = []

    def echo(event: Event) -> None:
        calls.append(event.sequence)
        events.publish("a")

    events.subscribe("a", echo)
    events.publish("a")
    assert len(calls) == MAX_CHAIN
    assert warnings == ["handlers of events cause each other without end"]
    assert events.stats()["dropped"] == 1


def test_dispatch_gives_deferred_handlers_what_waits_by_now_in_order_of_publication() -> None:
    events = Events()
    log: list[object] = []
    told: list[None] = []

    def handler(name: str) -> "events_.Handler":
        def handle(event: Event) -> None:
            log.append((name, event.value))
            if event.value == 1:
                events.emit("a.b", 3)

        return handle

    ids = [
        events.subscribe(pattern, handler(pattern), notify=lambda: told.append(None)) for pattern in ("*.b", "a.*")
    ]  # fmt: skip
    events.emit("a.b", 1)
    events.emit("a.c", 2)
    assert len(told) == 3
    assert log == []
    events.dispatch(ids)
    assert sorted(log) == [("*.b", 1), ("a.*", 1), ("a.*", 2)]
    assert log[-1] == ("a.*", 2)
    events.dispatch(ids)
    assert len(log) == 7


def test_what_is_published_carries_the_correlation_of_the_moment() -> None:
    with StateManager.with_backend("memory", correlation_id="run-1") as state:
        events = Events(state)
        assert events.publish("a").correlation_id == "run-1"
        with state.with_correlation("request-7"):
            assert events.publish("a").correlation_id == "request-7"
            assert events.publish("a", correlation_id="other").correlation_id == "other"


def test_a_handler_runs_under_the_correlation_of_its_event() -> None:
    with StateManager.with_backend("memory", correlation_id="run-1") as state:
        events = Events(state)

        def handler(event: Event) -> None:
            state.set("seen", event.event_type, event.value)
            if event.event_type == "a":
                events.emit("b", 2)

        events.subscribe("*", handler)
        events.emit("a", 1, correlation_id="request-7")
        changes, _ = state.changes()
        assert [(change.key, change.correlation_id) for change in changes] == [("a", "request-7"), ("b", "request-7")]
        assert events.publish("c").correlation_id == "run-1"


def test_a_bus_without_a_state_has_correlations_too() -> None:
    events = Events()
    assert events.publish("a").correlation_id == ""
    with events.with_correlation("x"):
        assert events.publish("a").correlation_id == "x"
    seen: list[str] = []
    events.subscribe("a", lambda event: seen.append(events.publish("b").correlation_id))
    events.publish("a", correlation_id="y")
    assert seen == ["y"]


def test_recorders_get_every_event_and_watchers_hear_of_subscriptions() -> None:
    events = Events()
    recorded: list[str] = []
    watched: list[bool] = []
    events.recorders.append(lambda event: recorded.append(event.event_type))
    events.watchers.append(lambda: watched.append(events.wants("a.b")))
    events.publish("x")
    subscription = events.subscribe("a.*")
    events.publish("a.b")
    events.unsubscribe(subscription)
    assert recorded == ["x", "a.b"]
    assert watched == [True, False]


def test_threads_that_publish_and_receive_lose_nothing() -> None:
    events = Events()
    subscription = events.subscribe("*")
    found: list[object] = []
    lock = threading.Lock()

    def publish(name: int) -> None:
        for number in range(500):
            events.emit(f"type.{number % 7}", [name, number])

    def receive() -> None:
        while (event := events.receive(subscription, timeout=0.5)) is not None:
            with lock:
                found.append(tuple(event.value))

    threads = [threading.Thread(target=publish, args=[name]) for name in range(4)]
    threads += [threading.Thread(target=receive) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [(name, number) for name in range(4) for number in range(500)]  # type: ignore[type-var]
