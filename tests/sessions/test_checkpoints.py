"""Checkpoints: what they hold, that they share what did not change, and that nothing takes away what they need."""

from collections.abc import Callable

import pytest

from llmspell.errors import InvalidTransition, NotFound
from llmspell.sessions.sessions import Sessions
from llmspell.state.journal import DAY, JournalPolicy
from llmspell.state.manager import StateManager
from llmspell.storage import keys
from llmspell.storage.memory import MemoryStore
from llmspell.storage.store import Store
from tests.state.conftest import Clock

from .conftest import scope


def test_loading_a_checkpoint_puts_scope_and_session_back(sessions: Sessions, state: StateManager) -> None:
    work = sessions.create(name="one", metadata={"step": 1})
    state.set(scope(work), "changed", 1)
    state.set(scope(work), "removed", 1)
    state.set(scope(work), "same", 1)
    sessions.save(work, label="before")
    state.set(scope(work), "changed", 2)
    state.delete(scope(work), "removed")
    state.set(scope(work), "added", 2)
    state.set("elsewhere", "changed", 2)
    sessions.update(work, name="two", metadata={"step": 2})
    sessions.fail(work, "it broke")
    assert sessions.load(work, checkpoint="before") == work
    assert state.items(scope(work)) == [("changed", 1), ("removed", 1), ("same", 1)]
    assert state.get("elsewhere", "changed") == 2
    found = sessions.get(work)
    assert (found.name, found.metadata, found.status, found.failure_reason) == ("one", {"step": 1}, "active", None)


def test_every_checkpoint_of_many_can_be_loaded(sessions: Sessions, state: StateManager) -> None:
    work = sessions.create()
    made = []
    for turn in range(20):
        state.set(scope(work), f"turn{turn % 7}", turn)
        if turn % 3 == 0:
            state.delete(scope(work), f"turn{turn % 5}")
        made.append((sessions.save(work).id, state.items(scope(work))))
    for checkpoint, held in reversed(made):
        sessions.load(work, checkpoint=checkpoint)
        assert state.items(scope(work)) == held
    for checkpoint, held in made:
        sessions.load(work, checkpoint=checkpoint)
        assert state.items(scope(work)) == held


@pytest.mark.parametrize("policy", [
    JournalPolicy(enabled=False), JournalPolicy(keep_days=1), JournalPolicy(keep_versions=1),
], ids=["journal off", "journal compacted", "journal thinned"])  # fmt: skip
def test_what_a_checkpoint_needs_outlives_the_journal(store: Store, clock: Clock, policy: JournalPolicy) -> None:
    state = StateManager(store, clock=clock, journal=policy)
    sessions = Sessions(state, state)
    work = sessions.create()
    state.set(scope(work), "kept", "old")
    state.set(scope(work), "removed", "old")
    state.set("other", "kept", "old")
    sessions.save(work, label="before")
    for number in range(40):
        state.set(scope(work), "kept", number)
        state.set("other", "kept", number)
    state.delete(scope(work), "removed")
    clock.advance(3 * DAY / 1_000_000)
    if policy.enabled:
        state.compact()
    with store.read() as txn:
        kept = list(txn.scan_keys(keys.KEPT, keys.next_space(keys.KEPT)))
    assert len(kept) == (1 if policy.keep_versions else 2)
    sessions.resume(work) if sessions.get(work).status == "suspended" else None
    sessions.load(work, checkpoint="before")
    assert state.items(scope(work)) == [("kept", "old"), ("removed", "old")]
    sessions.delete_checkpoint(work, "before")
    with store.read() as txn:
        assert list(txn.scan_keys(keys.KEPT, keys.next_space(keys.KEPT))) == []


def test_a_checkpoint_copies_nothing(state: StateManager, make: Callable[..., Sessions]) -> None:
    sessions = make()
    work = sessions.create()
    for turn in range(50):
        state.set(scope(work), f"turn{turn}", "x" * 2000)
    with state.store.read() as txn:
        before = sum(len(key) + len(value) for key, value in txn.scan(b""))
    sessions.save(work)
    with state.store.read() as txn:
        assert sum(len(key) + len(value) for key, value in txn.scan(b"")) - before < 500


def test_of_equal_labels_the_newest_counts_and_unknown_ones_are_not_found(
    sessions: Sessions, state: StateManager
) -> None:
    work = sessions.create()
    for number in (1, 2):
        state.set(scope(work), "n", number)
        sessions.save(work, label="again")
    state.set(scope(work), "n", 3)
    sessions.load(work, checkpoint="again")
    assert state.get(scope(work), "n") == 2
    assert [each.label for each in sessions.checkpoints(work)] == ["again", "again"]
    for unknown in ("never", ""):
        with pytest.raises(NotFound):
            sessions.load(work, checkpoint=unknown)


def test_a_fork_goes_its_own_way(sessions: Sessions, state: StateManager, clock: Clock) -> None:
    origin = sessions.create(name="origin", tags=["a"], metadata={"k": 1}, max_artifacts=3)
    state.set(scope(origin), "n", 1)
    point = sessions.save(origin)
    state.set(scope(origin), "n", 2)
    sessions.complete(origin)
    early = sessions.fork(origin, checkpoint=point.id, name="early")
    clock.advance(1)
    late = sessions.fork(origin)
    state.set(scope(early), "n", 10)
    assert [state.get(scope(each), "n") for each in (origin, early, late)] == [2, 10, 2]
    found = sessions.get(early)
    assert (found.name, found.tags, found.metadata, found.status) == ("early", ["a"], {"k": 1}, "active")
    assert (found.parent_session_id, found.limits, found.checkpoint_count) == (origin, {"max_artifacts": 3}, 0)
    assert [each.id for each in sessions.list(parent_session_id=origin)] == [early, late]
    assert [entry.kind for entry in sessions.timeline(early)] == ["session.created"]


def test_deleting_a_session_leaves_nothing_of_it(sessions: Sessions, state: StateManager) -> None:
    with sessions.home.store.read() as txn:
        before = {key for key in txn.scan_keys(b"A", b"[") if key != b"Io"}
    work = sessions.create(name="gone", tags=["a"])
    state.set(scope(work), "n", 1)
    sessions.save(work)
    state.set(scope(work), "n", 2)
    with pytest.raises(InvalidTransition):
        sessions.delete(work)
    sessions.delete(work, force=True)
    with pytest.raises(NotFound):
        sessions.get(work)
    assert state.items(scope(work)) == []
    with sessions.home.store.read() as txn:
        assert {key for key in txn.scan_keys(b"A", b"[") if key != b"Io"} == before


def test_what_expired_and_what_is_ephemeral_does_not_come_back(
    sessions: Sessions, state: StateManager, clock: Clock
) -> None:
    work = sessions.create()
    state.set(scope(work), "short", 1, ttl=10)
    state.set(scope(work), "long", 1, ttl=1000)
    sessions.save(work, label="here")
    state.set(scope(work), "cache", 1, class_="ephemeral")
    state.delete(scope(work), "long")
    clock.advance(60)
    sessions.load(work, checkpoint="here")
    assert state.items(scope(work)) == [("long", 1)]
    clock.advance(1000)
    assert state.items(scope(work)) == []


def test_an_undone_checkpoint_was_never_there(
    state: StateManager, make: Callable[..., Sessions], told: list[object]
) -> None:
    sessions = make()
    work = sessions.create()
    told.clear()
    with pytest.raises(ZeroDivisionError), state.transaction():
        sessions.save(work)
        raise ZeroDivisionError
    assert sessions.checkpoints(work) == []
    assert told == []


def test_sessions_without_a_state_have_checkpoints_too() -> None:
    sessions = Sessions(StateManager(MemoryStore()))
    work = sessions.create(name="one")
    sessions.save(work, label="here")
    sessions.update(work, name="two")
    sessions.load(work, checkpoint="here")
    assert sessions.get(work).name == "one"
    assert sessions.get(sessions.fork(work)).parent_session_id == work
    sessions.delete(work, force=True)
