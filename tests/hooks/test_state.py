"""Hooks of the state: what they are told, what they change, and that no acknowledged write is lost by them."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from llmspell.errors import BadValue, Cancelled, Conflict, InvalidKey, ValueTooLarge
from llmspell.hooks.background import Background
from llmspell.hooks.hooks import Hooks
from llmspell.hooks.state_points import StatePoints
from llmspell.state.manager import StateManager
from llmspell.storage.store import Store
from tests.hooks.conftest import Bench
from tests.state.conftest import problems

Said = Callable[[Any], Any]


@pytest.fixture
def state(store: Store, bench: Bench) -> Iterator[StateManager]:
    """A state whose hooks are told at once."""
    manager = StateManager(store, classes={"open:*": "trusted"}, correlation_id="run-1", max_value_bytes=1000)
    StatePoints(bench.hooks, manager, None)
    yield manager
    assert problems(store) == []


def keep(told: list[Any]) -> Said:
    return lambda context: told.append(context["data"])


def test_a_state_without_hooks_has_none(state: StateManager, hooks: Hooks) -> None:
    assert state.hooks is None
    hook = hooks.register("SessionStart", print)
    assert state.hooks is None
    write = hooks.register("AfterStateWrite", print)
    assert state.hooks is not None
    hooks.unregister(write)
    assert state.hooks is None
    hooks.unregister(hook)


def test_hooks_are_told_of_every_kind_of_operation(state: StateManager, hooks: Hooks) -> None:
    told: list[Any] = []
    for point in (
        "BeforeStateRead",
        "AfterStateRead",
        "BeforeStateWrite",
        "AfterStateWrite",
        "BeforeStateDelete",
        "AfterStateDelete",
    ):
        hooks.register(point, lambda context: told.append((context["point"], *context["data"].values())))

    def since() -> list[Any]:
        seen = [*told]
        told.clear()
        return seen

    state.set("app", "k", 1)
    assert since() == [
        ("BeforeStateWrite", "app", "k", None, 1, "save"),
        ("AfterStateWrite", "app", "k", None, 1, "save"),
    ]
    state.set("app", "k", [2])
    assert since() == [
        ("BeforeStateWrite", "app", "k", 1, [2], "save"),
        ("AfterStateWrite", "app", "k", 1, [2], "save"),
    ]
    assert state.get("app", "k") == [2]
    assert since() == [("BeforeStateRead", "app", "k", "load"), ("AfterStateRead", "app", "k", [2], "load")]
    assert state.delete("app", "k")
    assert since() == [
        ("BeforeStateDelete", "app", "k", [2], None, "delete"),
        ("AfterStateDelete", "app", "k", [2], None, "delete"),
    ]
    assert not state.delete("app", "k")
    assert since() == [("BeforeStateDelete", "app", "k", None, None, "delete")]
    assert state.increment("app", "n", 5) == 5
    assert since() == [
        ("BeforeStateWrite", "app", "n", None, 5, "increment"),
        ("AfterStateWrite", "app", "n", None, 5, "increment"),
    ]
    assert state.modify("app", "n", lambda n: n * 2) == 10
    assert since() == [
        ("BeforeStateWrite", "app", "n", 5, 10, "update"),
        ("AfterStateWrite", "app", "n", 5, 10, "update"),
    ]
    assert state.modify("app", "n", lambda _: None) is None
    assert since() == [
        ("BeforeStateDelete", "app", "n", 10, None, "update"),
        ("AfterStateDelete", "app", "n", 10, None, "update"),
    ]
    state.set("app", "k", 1)
    state.set("app", "k", None)
    assert since()[2:] == [
        ("BeforeStateDelete", "app", "k", 1, None, "save"),
        ("AfterStateDelete", "app", "k", 1, None, "save"),
    ]
    state.set("app", "a", 1)
    state.set("app", "b", 2)
    since()
    assert state.clear("app") == 2
    assert since() == [
        ("BeforeStateDelete", "app", "a", 1, None, "clear"), ("BeforeStateDelete", "app", "b", 2, None, "clear"),
        ("AfterStateDelete", "app", "a", 1, None, "clear"), ("AfterStateDelete", "app", "b", 2, None, "clear"),
    ]  # fmt: skip
    state.list("app")
    state.entry("app", "a")
    state.list_keys("app")
    state.history("app", "a")
    assert since() == []


def test_trusted_values_meet_no_hooks(state: StateManager, hooks: Hooks) -> None:
    told: list[Any] = []
    for point in (
        "BeforeStateRead",
        "AfterStateRead",
        "BeforeStateWrite",
        "AfterStateWrite",
        "BeforeStateDelete",
        "AfterStateDelete",
    ):
        hooks.register(point, keep(told))
    for key, class_ in (("open:1", None), ("own", "trusted")):
        state.set("app", key, 1, class_=class_)
        assert state.get("app", key) == 1
    assert state.increment("app", "open:1") == 2
    state.modify("app", "open:1", lambda n: n + 1)
    assert state.get("app", "open:none") is None
    assert state.delete("app", "own")
    assert state.clear("app") == 1
    assert told == []


def test_modified_changes_what_is_stored_and_what_the_next_hook_sees(state: StateManager, hooks: Hooks) -> None:
    told: list[Any] = []
    hooks.register(
        "BeforeStateWrite",
        lambda context: {"type": "modified", "data": {"new_value": context["data"]["new_value"] + 1}},
    )
    hooks.register(
        "BeforeStateWrite",
        lambda context: {"type": "modified", "data": {"new_value": context["data"]["new_value"] * 10}},
    )
    hooks.register("AfterStateWrite", keep(told))
    state.set("app", "n", 1)
    assert state.get("app", "n") == 20
    assert told[0]["new_value"] == 20
    assert state.increment("app", "n") == 220
    assert state.modify("app", "n", lambda n: n) == 2210
    assert state.get("app", "n") == 2210


def test_modified_to_null_deletes(state: StateManager, hooks: Hooks) -> None:
    state.set("app", "k", 1)
    hooks.register("BeforeStateWrite", lambda _: {"type": "modified", "data": {"new_value": None}})
    state.set("app", "k", 2)
    assert state.entry("app", "k") is None


def test_replace_ends_the_chain(state: StateManager, hooks: Hooks) -> None:
    told: list[Any] = []
    hooks.register("BeforeStateWrite", lambda _: {"type": "replace", "data": {"instead": True}})
    hooks.register("BeforeStateWrite", keep(told))
    state.set("app", "k", 1)
    assert state.get("app", "k") == {"instead": True}
    assert told == []


def test_cancel_changes_nothing(state: StateManager, hooks: Hooks) -> None:
    state.set("app", "k", 1)
    state.set("app", "other", 1)
    version = state.version()
    hooks.register("BeforeStateWrite", lambda _: "read only today", name="guard")
    hooks.register("BeforeStateDelete", lambda context: "keep it" if context["data"]["key"] == "other" else None)
    for act in (
        lambda: state.set("app", "k", 2), lambda: state.increment("app", "k"), lambda: state.modify("app", "k", lambda _: 2),
    ):  # fmt: skip
        with pytest.raises(Cancelled, match="cancelled by the hook 'guard': read only today"):
            act()
    for act in (
        lambda: state.delete("app", "other"),
        lambda: state.clear("app"),
        lambda: state.set("app", "other", None),
    ):
        with pytest.raises(Cancelled, match="keep it"):
            act()
    assert state.version() == version
    assert state.items("app") == [("k", 1), ("other", 1)]


def test_redirect_goes_to_another_place(state: StateManager, hooks: Hooks) -> None:
    told: list[Any] = []
    state.set("app", "b", "old b")
    state.set("backup", "a", "old a")
    hooks.register(
        "BeforeStateWrite", lambda _: {"type": "redirect", "target": {"scope": "backup", "key": "a"}}, key="a"
    )
    hooks.register("BeforeStateWrite", lambda _: {"type": "redirect", "target": "b"}, key="c")
    hooks.register("BeforeStateWrite", keep(told), scope="backup", priority="low")
    hooks.register("BeforeStateRead", lambda _: {"type": "redirect", "target": "b"}, key="nowhere")
    hooks.register("BeforeStateDelete", lambda _: {"type": "redirect", "target": "b"}, key="nowhere")
    state.set("app", "a", 1)
    state.set("app", "c", 2)
    assert told == [{"scope": "backup", "key": "a", "old_value": "old a", "new_value": 1, "operation": "save"}]
    assert state.items("app") == [("b", 2)]
    assert state.get("backup", "a") == 1
    assert state.get("app", "nowhere") == 2
    assert state.increment("app", "c") == 3
    assert state.modify("app", "c", lambda _: 9) == 9
    assert state.get("app", "b") == 9
    assert state.delete("app", "nowhere")
    assert state.items("app") == []


def test_a_replaced_deletion_stores_the_value(state: StateManager, hooks: Hooks) -> None:
    state.set("app", "k", 1)
    hooks.register("BeforeStateDelete", lambda _: {"type": "replace", "data": "gone"})
    assert state.delete("app", "k")
    assert state.get("app", "k") == "gone"
    assert state.clear("app") == 0
    assert not state.delete("app", "new")
    assert state.get("app", "new") == "gone"


def test_a_read_can_be_replaced_changed_and_cancelled(state: StateManager, hooks: Hooks) -> None:
    state.set("app", "k", 1)
    after = hooks.register(
        "AfterStateRead", lambda context: {"type": "modified", "data": {"value": context["data"]["value"] + 1}}, key="k"
    )
    assert state.get("app", "k") == 2
    assert state.items("app") == [("k", 1)]
    before = hooks.register("BeforeStateRead", lambda _: {"type": "replace", "data": [7]})
    assert state.get("app", "k") == [7]
    assert state.get("app", "none") == [7]
    hooks.unregister(before)
    hooks.unregister(after)
    hooks.register("AfterStateRead", lambda _: {"type": "replace", "data": None})
    assert state.get("app", "k", "default") == "default"
    hooks.register("BeforeStateRead", lambda _: "secret")
    with pytest.raises(Cancelled, match="secret"):
        state.get("app", "k")


def test_a_read_sees_what_its_hook_saved(state: StateManager, hooks: Hooks) -> None:
    hooks.register("BeforeStateRead", lambda _: state.set("app", "lazy", "made"))
    assert state.get("app", "lazy") == "made"


def test_a_cached_read_asks_nobody_until_its_time_is_over_or_the_key_changes(
    state: StateManager, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("llmspell.hooks.state_points.monotonic", lambda: now[0])
    calls: list[int] = []

    def cache(_: Any) -> Any:
        calls.append(1)
        return {"type": "cache", "ttl": 10}

    hooks.register("AfterStateRead", cache)
    state.set("app", "k", 1)
    assert [state.get("app", "k") for _ in range(3)] == [1, 1, 1]
    assert len(calls) == 1
    state.set("app", "k", 2)
    assert [state.get("app", "k") for _ in range(3)] == [2, 2, 2]
    assert len(calls) == 2
    now[0] += 11
    assert state.get("app", "k") == 2
    assert len(calls) == 3
    with state.transaction():
        state.set("app", "k", 3)
        assert state.get("app", "k") == 3
    assert state.get("app", "k") == 3
    assert [state.get("app", "none") for _ in range(2)] == [None, None]
    assert len(calls) == 6


def test_a_redirected_read_that_is_cached_follows_changes_of_its_source(state: StateManager, hooks: Hooks) -> None:
    hooks.register("BeforeStateRead", lambda _: {"type": "redirect", "target": "source"}, key="k")
    hooks.register("BeforeStateRead", lambda _: {"type": "cache", "ttl": 100}, key="source")
    state.set("app", "source", 1)
    assert [state.get("app", "k") for _ in range(2)] == [1, 1]
    state.set("app", "source", 2)
    assert state.get("app", "k") == 2


@pytest.mark.parametrize(
    "said",
    [
        {"type": "modified", "data": {"new_value": float("nan")}}, {"type": "modified", "data": {"new_value": {1.5: 1}}},
        {"type": "replace", "data": object()}, {"type": "redirect", "target": "__reserved"}, {"type": "redirect", "target": ""},
        {"type": "modified", "data": {"key": 5}}, {"type": "modified", "data": {"scope": ""}},
        {"type": "redirect", "target": {"scope": "a\0", "key": "k"}}, {"type": "modified", "data": {"key": "x" * 500}},
    ],
)  # fmt: skip
@pytest.mark.parametrize("operation", ["save", "increment", "update"])
def test_a_hook_that_wants_the_impossible_has_failed_and_loses_nothing(
    bench: Bench, state: StateManager, said: Any, operation: str
) -> None:
    hook = bench.hooks.register("BeforeStateWrite", lambda _: said)
    run = {
        "save": lambda: state.set("app", "k", 5), "increment": lambda: state.increment("app", "k", 5),
        "update": lambda: state.modify("app", "k", lambda _: 5),
    }[operation]  # fmt: skip
    run()
    assert state.items("app") == [("k", 5)]
    assert (hook.failures, len(bench.warnings)) == (1, 1)
    hook.on_error = "cancel"
    with pytest.raises(Cancelled, match="it failed"):
        run()
    assert state.items("app") == [("k", 5)]


def test_what_a_failed_hook_wanted_is_not_seen_by_the_next(state: StateManager, hooks: Hooks) -> None:
    told: list[Any] = []
    hooks.register("BeforeStateWrite", lambda _: {"type": "modified", "data": {"new_value": 7}})
    hooks.register("BeforeStateWrite", lambda _: {"type": "modified", "data": {"new_value": 8, "key": "__reserved"}})
    hooks.register("BeforeStateWrite", keep(told))
    state.set("app", "k", 1)
    assert (told[0]["key"], told[0]["new_value"]) == ("k", 7)
    assert state.items("app") == [("k", 7)]


def test_a_value_that_a_hook_made_too_large_is_refused(state: StateManager, hooks: Hooks) -> None:
    state.set("app", "k", 1)
    hooks.register("BeforeStateWrite", lambda _: {"type": "modified", "data": {"new_value": "x" * 1001}})
    with pytest.raises(ValueTooLarge):
        state.set("app", "k", 2)
    assert state.get("app", "k") == 1


def test_an_increment_stays_a_number(bench: Bench, state: StateManager) -> None:
    bench.hooks.register("BeforeStateWrite", lambda _: {"type": "modified", "data": {"new_value": "many"}})
    assert state.increment("app", "n", 2) == 2
    assert "an increment needs a number" in bench.warnings[0][1]["error"]
    state.set("app", "text", "x")
    with pytest.raises(BadValue):
        state.increment("app", "text")


def test_increments_with_hooks_lose_none(state: StateManager, hooks: Hooks) -> None:
    hooks.register("BeforeStateWrite", lambda _: None)
    workers = [threading.Thread(target=lambda: [state.increment("app", "n") for _ in range(25)]) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert state.get("app", "n") == 100


def test_an_increment_keeps_its_expiry_and_class(state: StateManager, hooks: Hooks) -> None:
    hooks.register("BeforeStateWrite", lambda _: None)
    state.set("app", "n", 1, ttl=100, class_="external")
    before = state.entry("app", "n")
    state.increment("app", "n")
    state.modify("app", "n", lambda n: n + 1)
    after = state.entry("app", "n")
    assert before is not None
    assert after is not None
    assert (after.value, after.expires_at, after.class_name) == (3, before.expires_at, "external")


def test_options_of_a_save_hold_with_hooks(state: StateManager, hooks: Hooks) -> None:
    hooks.register("BeforeStateWrite", lambda _: None)
    state.set("app", "k", 1, ttl=100, if_version=0)
    entry = state.entry("app", "k")
    assert entry is not None
    assert entry.expires_at is not None
    with pytest.raises(Conflict):
        state.set("app", "k", 2, if_version=0)
    with pytest.raises(Conflict):
        state.delete("app", "k", if_version=99)
    with pytest.raises(InvalidKey):
        state.set("app", "", 1)
    assert state.get("app", "k") == 1


class TestConflict:
    def told(self, state: StateManager, hooks: Hooks, said: Any) -> list[Any]:
        told: list[Any] = []
        state.set("app", "k", {"a": 1})
        hooks.register("StateConflict", lambda context: told.append(context["data"]) or said)  # type: ignore[func-returns-value]
        return told

    def test_nothing_said_is_the_conflict(self, state: StateManager, hooks: Hooks) -> None:
        told = self.told(state, hooks, None)
        with pytest.raises(Conflict):
            state.set("app", "k", {"b": 2}, if_version=0)
        assert told == [
            {
                "scope": "app", "key": "k", "old_value": {"a": 1}, "new_value": {"b": 2}, "operation": "save", "version": 1,
                "expected_version": 0,
            }
        ]  # fmt: skip
        assert state.get("app", "k") == {"a": 1}

    @pytest.mark.parametrize("kind", ["replace", "modified"])
    def test_it_can_be_resolved(self, state: StateManager, hooks: Hooks, kind: str) -> None:
        merged = {"a": 1, "b": 2}
        self.told(state, hooks, {"type": kind, "data": merged if kind == "replace" else {"new_value": merged}})
        state.set("app", "k", {"b": 2}, if_version=0)
        assert state.get("app", "k") == merged

    def test_it_can_be_cancelled(self, state: StateManager, hooks: Hooks) -> None:
        self.told(state, hooks, "not now")
        with pytest.raises(Cancelled):
            state.set("app", "k", 5, if_version=0)

    def test_it_can_go_elsewhere(self, state: StateManager, hooks: Hooks) -> None:
        self.told(state, hooks, {"type": "redirect", "target": "lost"})
        state.set("app", "k", 5, if_version=0)
        assert state.items("app") == [("k", {"a": 1}), ("lost", 5)]

    def test_within_a_transaction_it_is_resolved_too(self, state: StateManager, hooks: Hooks) -> None:
        self.told(state, hooks, {"type": "replace", "data": 7})
        with state.transaction():
            state.set("app", "k", 5, if_version=0)
            state.set("app", "x", 1)
        assert state.items("app") == [("k", 7), ("x", 1)]

    def test_one_that_comes_again_and_again_is_raised(self, state: StateManager, hooks: Hooks) -> None:
        calls: list[int] = []

        def interfere(_: Any) -> Any:
            calls.append(1)
            hooks_off, state.hooks = state.hooks, None
            state.set("app", "k", len(calls))
            state.hooks = hooks_off
            return {"type": "replace", "data": "mine"}

        state.set("app", "k", 0)

        hooks.register("StateConflict", interfere)
        # The value changes between the look at it and the hook's answer, so each attempt conflicts anew.
        with pytest.raises(Conflict):
            state.set("app", "k", 5, if_version=0)
        assert len(calls) == 3
        assert state.get("app", "k") == 3


def test_hooks_run_inside_the_transaction_of_the_script_and_after_hooks_after_it(
    state: StateManager, hooks: Hooks
) -> None:
    told: list[Any] = []
    hooks.register(
        "BeforeStateWrite",
        lambda context: told.append(("before", context["data"]["old_value"], context["data"]["new_value"])),
    )
    hooks.register("AfterStateWrite", lambda context: told.append(("after", context["data"]["new_value"])))
    with state.transaction():
        state.set("app", "k", 1)
        state.set("app", "k", 2)
        with pytest.raises(ZeroDivisionError), state.transaction():
            state.set("app", "k", 3)
            raise ZeroDivisionError
        assert told == [("before", None, 1), ("before", 1, 2), ("before", 2, 3)]
        told.clear()
    assert told == [("after", 1), ("after", 2)]
    told.clear()
    with pytest.raises(ZeroDivisionError), state.transaction():
        state.set("app", "k", 4)
        raise ZeroDivisionError
    assert told == [("before", 2, 4)]


def test_before_hooks_hold_no_lock(state: StateManager, hooks: Hooks) -> None:
    """While a hook runs, another thread can write."""
    done: list[int] = []

    def write_elsewhere(_: Any) -> None:
        def write() -> None:
            hooks_off, state.hooks = state.hooks, None
            state.set("other", "k", 1)
            state.hooks = hooks_off
            done.append(1)

        worker = threading.Thread(target=write)
        worker.start()
        worker.join(5)

    hooks.register("BeforeStateWrite", write_elsewhere)
    state.set("app", "k", 1)
    state.increment("app", "n")
    assert done == [1, 1]


def test_a_hook_may_use_the_state_without_meeting_itself(state: StateManager, hooks: Hooks) -> None:
    hooks.register("BeforeStateWrite", lambda context: state.set("log", context["data"]["key"], "seen"))
    hooks.register("AfterStateWrite", lambda _: state.increment("count", "writes"), scope="app")
    state.set("app", "k", 1)
    assert state.items("count") == [("writes", 1)]
    assert state.items("log") == [("k", "seen"), ("writes", "seen")]


def test_sensitive_values_are_not_shown(state: StateManager, hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until encryption is there, no sensitive value can be stored; what hooks would be told of one is redacted already."""
    told: list[Any] = []
    monkeypatch.setattr("llmspell.state.hooked.admit", lambda *_: None)
    for point in ("BeforeStateWrite", "AfterStateWrite", "AfterStateRead", "BeforeStateDelete"):
        hooks.register(point, keep(told))
    state.set("app", "password", "hunter2", class_="sensitive")
    assert state.get("app", "password") == "hunter2"
    state.delete("app", "password")
    assert [list(data.values())[2:-1] for data in told] == [
        [None, "**redacted**"], [None, "**redacted**"], ["**redacted**"], ["**redacted**", None],
    ]  # fmt: skip


def test_a_hook_that_gives_its_data_back_leaves_what_it_was_not_shown(
    state: StateManager, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmspell.state.hooked.admit", lambda *_: None)
    hooks.register("BeforeStateWrite", lambda context: {"type": "modified", "data": context["data"]})
    hooks.register("AfterStateRead", lambda context: {"type": "modified", "data": context["data"]})
    state.set("app", "password", "hunter2", class_="sensitive")
    assert state.get("app", "password") == "hunter2"


def test_what_a_hook_meets_elsewhere_is_not_shown_when_it_is_sensitive(
    state: StateManager, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr("llmspell.state.hooked.admit", lambda *_: None)
    monkeypatch.setattr("llmspell.state.manager.admit", lambda *_: None)
    state.set("app", "password", "hunter2", class_="sensitive")
    hooks.register("StateConflict", keep(told))
    with pytest.raises(Conflict):
        state.set("app", "password", "open", class_="standard", if_version=0)
    hooks.register("BeforeStateWrite", lambda _: {"type": "redirect", "target": "password"}, key="note")
    hooks.register("BeforeStateWrite", keep(told), key="password")
    hooks.register("AfterStateWrite", keep(told))
    state.set("app", "note", "open")
    assert [data["old_value"] for data in told] == ["**redacted**", "**redacted**", None]


class TestBackground:
    @pytest.fixture
    def background(self, store: Store, bench: Bench) -> Iterator[Background]:
        self.state = StateManager(store, correlation_id="run-1")
        self.summons = 0

        def summon() -> None:
            self.summons += 1

        background = Background(
            bench.hooks, correlate=self.state.with_correlation, summon=summon, interval=0.01, batch_size=10, max_queue=50,
            max_concurrent=3, patience=2,
        )  # fmt: skip
        StatePoints(bench.hooks, self.state, background)
        yield background
        background.close()
        assert problems(store) == []

    def test_python_hooks_run_on_another_thread_in_order(self, background: Background, hooks: Hooks) -> None:
        threads: set[int] = set()
        seen: dict[str, list[int]] = {"one": [], "two": []}
        for name in seen:
            hooks.register(
                "AfterStateWrite",
                lambda context, name=name: (
                    threads.add(threading.get_ident()),
                    seen[name].append(context["data"]["new_value"]),
                ),  # type: ignore[misc]
            )
        for number in range(200):
            self.state.set("app", "k", number)
        assert background.flush()
        assert seen == {"one": [*range(200)], "two": [*range(200)]}
        assert threading.get_ident() not in threads
        assert background.dropped == 0

    def test_the_interval_is_kept_without_anybody_asking(self, background: Background, hooks: Hooks) -> None:
        told = threading.Event()
        hooks.register("AfterStateWrite", lambda _: told.set())
        self.state.set("app", "k", 1)
        assert told.wait(2)
        assert len(background) == 0

    def test_hooks_run_under_the_correlation_of_what_they_are_told(self, background: Background, hooks: Hooks) -> None:
        told: list[Any] = []
        hooks.register("AfterStateWrite", lambda context: told.append((context["correlation_id"], hooks.correlation())))
        hooks.correlation = self.state.current_correlation_id
        with self.state.with_correlation("request-7"):
            self.state.set("app", "k", 1)
        background.flush()
        assert told == [("request-7", "request-7")]

    def test_hooks_that_cause_each_other_end(self, background: Background, hooks: Hooks) -> None:
        runs: list[str] = []
        for name in ("one", "two"):
            hooks.register(
                "AfterStateWrite", lambda _, name=name: (runs.append(name), self.state.increment("log", name))
            )  # type: ignore[misc]
        self.state.set("app", "k", 1)
        while background.flush() and len(background):
            pass
        assert sorted(runs) == ["one", "one", "two", "two"]

    def test_a_full_queue_makes_the_saver_wait_and_loses_nothing(self, background: Background, hooks: Hooks) -> None:
        seen: list[int] = []
        gate = threading.Event()
        hooks.register("AfterStateWrite", lambda context: (gate.wait(2), seen.append(context["data"]["new_value"])))
        threading.Timer(0.1, gate.set).start()
        for number in range(120):
            self.state.set("app", "k", number)
            assert len(background) <= 50
        background.flush()
        assert seen == [*range(120)]

    def test_what_finds_no_room_in_time_is_dropped_and_counted(self, bench: Bench, background: Background) -> None:
        background._patience = 0.05
        gate = threading.Event()
        bench.hooks.register("AfterStateWrite", lambda _: gate.wait(5))
        for number in range(65):
            self.state.set("app", "k", number)
        assert not background.flush()
        gate.set()
        background._patience = 2
        assert background.flush()
        assert 0 < background.dropped <= 15
        assert len([message for message, _ in bench.warnings if "is full" in message]) == 1

    def test_the_script_is_summoned_and_its_hooks_run_on_its_thread(self, background: Background, hooks: Hooks) -> None:
        seen: list[int] = []
        hooks.register_call(
            "AfterStateWrite",
            lambda *_: seen.append(1) or b"\xc1\xc0",
            language="lua",
            thread=threading.get_ident(),  # type: ignore[func-returns-value]
        )
        for number in range(10):
            self.state.set("app", "k", number)
        assert self.summons >= 1
        assert seen == []
        background.run_script_hooks()
        assert len(seen) == 10
        for number in range(60):
            self.state.set("app", "k", number)
        assert len(seen) >= 60
        background.end_script()
        assert len(seen) == 70
