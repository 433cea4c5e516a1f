"""The current session and its timeline: everything that happens is in it, in the commit that did it, and nothing else is."""

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from llmspell.errors import BadArgument, NotFound
from llmspell.hooks.hook import Execution
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from llmspell.storage.store import Store
from tests.state.conftest import Clock

from .conftest import scope


def kinds(sessions: Sessions, session_id: str, **query: Any) -> list[str]:
    return [entry.kind for entry in sessions.timeline(session_id, **query)]


def test_every_step_has_its_entry(sessions: Sessions, state: StateManager) -> None:
    work = sessions.create(name="all")
    sessions.set_current(work)
    state.set(scope(work), "n", 1)
    state.set("global", "n", 1)
    state.delete("global", "n")
    sessions.save(work, label="here")
    sessions.load(work, checkpoint="here")
    sessions.suspend(work)
    sessions.resume(work)
    sessions.fail(work, "broke")
    sessions.archive(work)
    entries = sessions.timeline(work)
    assert [entry.kind for entry in entries] == [
        "session.created", "state.saved", "state.saved", "state.deleted", "checkpoint.saved", "checkpoint.loaded",
        "session.suspended", "session.resumed", "session.failed", "session.archived",
    ]  # fmt: skip
    assert [entry.seq for entry in entries] == list(range(1, 11))
    assert [(entry.data["scope"], entry.data["key"]) for entry in entries[1:4]] == [
        (scope(work), "n"), ("global", "n"), ("global", "n"),
    ]  # fmt: skip
    assert entries[1].data["version"] == state.history(scope(work), "n")[0].version
    assert entries[4].data["checkpoint_id"] == entries[5].data["checkpoint_id"] == sessions.checkpoints(work)[0].id
    assert entries[4].data["label"] == "here"
    assert entries[8].data == {"reason": "broke"}
    assert kinds(sessions, work, kinds=["state.saved", "session.failed"], since=2) == ["state.saved", "session.failed"]
    assert kinds(sessions, work, since=3, limit=2) == ["state.deleted", "checkpoint.saved"]
    assert kinds(sessions, work, since=10**30) == []
    for query in ({"kinds": ["odd"]}, {"since": -1}, {"limit": 1.5}):
        with pytest.raises(BadArgument):
            sessions.timeline(work, **query)  # type: ignore[arg-type]


def test_a_transaction_that_is_undone_leaves_no_entry(sessions: Sessions, state: StateManager) -> None:
    work = sessions.create()
    sessions.set_current(work)
    with pytest.raises(ZeroDivisionError), state.transaction():
        state.set(scope(work), "n", 1)
        raise ZeroDivisionError
    with state.transaction():
        with pytest.raises(ZeroDivisionError), state.transaction():
            state.set(scope(work), "inner", 1)
            raise ZeroDivisionError
        state.set(scope(work), "outer", 1)
    assert [entry.data.get("key") for entry in sessions.timeline(work)] == [None, "outer"]
    assert sessions.get(work).operation_count == 1


def test_a_shared_store_has_change_and_entry_in_one_commit(state: StateManager, make: Callable[..., Sessions]) -> None:
    sessions = make()
    work = sessions.create()
    sessions.set_current(work)
    before = state.version()
    state.set(scope(work), "n", 1)
    assert state.version() == before + 1
    assert sessions.timeline(work)[-1].data["version"] == before + 1
    assert state.version() == before + 1


def test_changes_carry_the_correlation_of_the_session_while_it_is_current(
    sessions: Sessions, state: StateManager
) -> None:
    first, second = sessions.create(), sessions.create()
    sessions.set_current(first)
    state.set("global", "a", 1)
    sessions.set_current(second)
    state.set("global", "b", 1)
    with state.with_correlation("request-7"):
        state.set("global", "c", 1)
    sessions.set_current(None)
    state.set("global", "d", 1)
    told = [state.history("global", key)[0].correlation_id for key in "abcd"]
    assert told == [sessions.get(first).correlation_id, sessions.get(second).correlation_id, "request-7", "run-1"]
    assert [entry.correlation_id for entry in sessions.timeline(second)] == [told[1], told[1], "request-7"]
    assert kinds(sessions, first) == ["session.created", "state.saved"]


@pytest.mark.parametrize("step", ["complete", "fail"])
def test_a_session_that_ends_is_not_current_any_more(sessions: Sessions, state: StateManager, step: str) -> None:
    work = sessions.create()
    sessions.set_current(work)
    getattr(sessions, step)(work)
    assert sessions.current_id is None
    state.set("global", "n", 1)
    assert state.history("global", "n")[0].correlation_id == "run-1"
    with pytest.raises(NotFound, match="no current session"):
        sessions.resolve("")
    other = sessions.create()
    sessions.set_current(other)
    assert sessions.resolve(None) == sessions.resolve("") == other
    sessions.delete(other, force=True)
    assert sessions.current_id is None


def test_what_merely_expires_is_not_the_sessions_doing(sessions: Sessions, state: StateManager, clock: Clock) -> None:
    work = sessions.create()
    sessions.set_current(work)
    state.set(scope(work), "short", 1, ttl=1)
    clock.advance(5)
    state.set(scope(work), "n", 1)
    assert [entry.data.get("key") for entry in sessions.timeline(work)] == [None, "short", "n"]


def execution(number: int, at: int) -> Execution:
    return Execution(
        point="BeforeStateWrite", hook=f"hook{number}", hook_id="1", language="lua", context=b"\xc1\x80", result=b"\xc1\xc0",
        at=at, duration=0.001, error="it broke" if number % 2 else "", correlation_id="run-1",
    )  # fmt: skip


def test_notes_and_executions_wait_for_a_commit_and_survive_an_undone_one(
    sessions: Sessions, state: StateManager, clock: Clock
) -> None:
    work = sessions.create()
    sessions.note("event.published", {"event_type": "nobody.listens"})
    sessions.set_current(work)
    sessions.note("event.published", {"event_type": "a"})
    with pytest.raises(ZeroDivisionError), state.transaction():
        state.set("global", "n", 1)
        sessions.record_execution(execution(1, clock()))
        raise ZeroDivisionError
    sessions.record_execution(execution(2, clock()))
    sessions.set_current(None)
    entries = sessions.timeline(work)
    assert [entry.kind for entry in entries] == ["session.created", "event.published", "hook.executed", "hook.executed"]
    assert (entries[2].data["error"], entries[2].correlation_id) == ("it broke", "run-1")
    found = sessions.executions(work)
    assert [(each.seq, each.execution.hook, each.execution.context) for each in found] == [
        (3, "hook1", b"\xc1\x80"), (4, "hook2", b"\xc1\x80"),
    ]  # fmt: skip
    assert [each.seq for each in sessions.executions(work, since=3)] == [4]
    sessions.flush()
    assert len(sessions.timeline(work)) == 4


def test_a_commit_by_whoever_is_told_of_one_writes_nothing_twice_and_loses_nothing(
    sessions: Sessions, state: StateManager
) -> None:
    work = sessions.create()
    sessions.set_current(work)

    def note(name: str) -> None:
        sessions.note("event.published", {"name": name})

    def answer(_: object) -> None:
        state.listeners.remove(answer)
        note("second")
        state.set("global", "b", 1)
        note("third")

    note("first")
    state.listeners.append(answer)
    state.set("global", "a", 1)
    entries = sessions.timeline(work)[1:]
    assert sorted(entry.data.get("name", entry.kind) for entry in entries) == [
        "first", "second", "state.saved", "state.saved", "third",
    ]  # fmt: skip


def test_two_threads_that_change_the_state_each_have_their_entries(sessions: Sessions, state: StateManager) -> None:
    work = sessions.create()
    sessions.set_current(work)

    def change(name: str) -> None:
        for number in range(50):
            state.set("global", f"{name}{number}", number)
            sessions.note("event.published", {"name": f"{name}{number}"})

    threads = [Thread(target=change, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    entries = sessions.timeline(work)
    wanted = sorted(f"{name}{number}" for name in "abc" for number in range(50))
    assert sorted(entry.data["key"] for entry in entries if entry.kind == "state.saved") == wanted
    assert sorted(entry.data["name"] for entry in entries if entry.kind == "event.published") == wanted
    assert sessions.get(work).operation_count == 150


def test_notes_of_a_deleted_session_go(sessions: Sessions) -> None:
    work, other = sessions.create(), sessions.create()
    sessions.set_current(work)
    sessions.note("event.published", {"event_type": "a"})
    sessions.set_current(other)
    sessions.note("event.published", {"event_type": "b"})
    sessions.delete(work, force=True)
    assert kinds(sessions, other) == ["session.created", "event.published"]


def test_sessions_tell_what_happened_after_the_commit(
    sessions: Sessions, state: StateManager, told: list[tuple[str, dict[str, Any], str]]
) -> None:
    work = sessions.create(name="x")
    sessions.save(work, label="l")
    sessions.load(work, checkpoint="l")
    sessions.suspend(work)
    sessions.resume(work)
    sessions.complete(work)
    sessions.archive(work)
    sessions.delete(work)
    assert [(event, point) for event, _, point in told] == [
        ("session.created", "SessionStart"), ("checkpoint.saved", "SessionSave"), ("checkpoint.loaded", "SessionRestore"),
        ("session.suspended", "SessionSuspend"), ("session.resumed", "SessionResume"), ("session.completed", "SessionEnd"),
        ("session.archived", ""), ("session.deleted", ""),
    ]  # fmt: skip
    assert all(data["session_id"] == work for _, data, _ in told)


def test_two_objects_on_one_store_write_one_timeline(store: Store, clock: Clock) -> None:
    one, two = (StateManager(store, clock=clock) for _ in range(2))
    first, second = Sessions(one, one), Sessions(two, two)
    work = first.create()
    first.set_current(work)
    second.set_current(work)
    for number in range(10):
        (one, two)[number % 2].set(scope(work), f"k{number}", number)
    assert [entry.seq for entry in first.timeline(work)] == list(range(1, 12))
    assert second.get(work).operation_count == 10
    second.delete(work, force=True)
    with pytest.raises(NotFound, match=work):
        one.set("global", "n", 1)
    first.set_current(None)
    one.set("global", "n", 1)
