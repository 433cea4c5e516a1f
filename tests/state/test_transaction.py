"""Transactions and savepoints."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from llmspell.errors import Conflict, LlmspellError, StorageError, StorageFull, Timeout
from llmspell.state.journal import JournalPolicy
from llmspell.state.manager import StateManager
from llmspell.state.transaction import Head, Transaction
from llmspell.storage.store import Store
from tests.state.conftest import Clock

Make = Callable[..., StateManager]


def test_everything_commits_together_under_one_version(state: StateManager) -> None:
    state.set("s", "old", 1)
    with state.transaction():
        state.set("s", "a", 1)
        state.set("t", "b", 2, ttl=9)
        state.delete("s", "old")
        state.increment("s", "n", 5)
    assert state.version() == 2
    assert {state.entry("s", "a").version, state.entry("t", "b").version, state.entry("s", "n").version} == {2}
    assert state.list_keys("s") == ["a", "n"]


def test_nothing_is_left_when_it_raises(state: StateManager, store: Store) -> None:
    state.set("s", "old", 1, ttl=9)
    with store.read() as txn:
        before = dict(txn.scan(b"\0"))
    with pytest.raises(ZeroDivisionError), state.transaction():
        state.set("s", "a", 1, ttl=5)
        state.set("s", "old", 2)
        state.delete("s", "old")
        state.clear("s")
        raise ZeroDivisionError
    with store.read() as txn:
        assert dict(txn.scan(b"\0")) == before
    assert state.list_keys("s") == ["old"]


def test_it_sees_its_own_writes(state: StateManager) -> None:
    state.set("s", "b", 1)
    with state.transaction():
        state.set("s", "a", 1)
        state.delete("s", "b")
        state.set("t", "k", 1)
        assert state.get("s", "a") == 1
        assert state.get("s", "b") is None
        assert state.list_keys("s") == ["a"]
        assert [key for key, _ in state.list("s")] == ["a"]
        assert state.count("s") == 1
        assert state.list_scopes() == ["s", "t"]
        assert state.entry("s", "a").version == 2
        assert state.increment("s", "a") == 2


def test_another_thread_sees_the_state_before_it(state: StateManager) -> None:
    seen: list[object] = []
    state.set("s", "k", "before")
    with state.transaction():
        state.set("s", "k", "after")
        thread = threading.Thread(target=lambda: seen.append((state.get("s", "k"), state.list_keys("s"))))
        thread.start()
        thread.join()
    assert seen == [("before", ["k"])]
    assert state.get("s", "k") == "after"


def test_a_caught_failure_undoes_the_inner_part_alone(state: StateManager) -> None:
    with state.transaction():
        state.set("s", "outer", 1)
        with pytest.raises(ZeroDivisionError), state.transaction():
            state.set("s", "inner", 1)
            state.set("s", "outer", 2)
            with state.transaction():
                state.set("s", "innermost", 1)
            raise ZeroDivisionError
        with state.transaction():
            state.set("s", "second", 1)
        assert state.list_keys("s") == ["outer", "second"]
    assert state.list_keys("s") == ["outer", "second"]
    assert state.get("s", "outer") == 1
    assert sorted(change.key for change in state.changes()[0]) == ["outer", "second"]
    assert state.version() == 1


def test_versions_inside_fit_conditions_inside(state: StateManager) -> None:
    with state.transaction():
        state.set("s", "k", 1)
        state.set("s", "k", 2, if_version=state.entry("s", "k").version)
        with pytest.raises(Conflict):
            state.set("s", "k", 3, if_version=0)
    assert state.get("s", "k") == 2


def test_saving_and_deleting_in_one_transaction_leaves_no_trace(state: StateManager, store: Store) -> None:
    with state.transaction():
        state.set("s", "k", 1, ttl=5)
        state.set("s", "k", 2, ttl=6)
        state.delete("s", "k")
    assert state.list_scopes() == []
    with store.read() as txn:
        assert list(txn.scan_keys(b"x", b"y")) == []
        assert list(txn.scan_keys(b"h", b"i")) == []


def test_an_overrun_is_undone_also_when_the_script_catches_it(make: Make) -> None:
    state = make(transaction_timeout_ms=30)
    for call in (
        lambda: state.set("s", "k", 2),
        lambda: state.load("s", "k"),
        lambda: state.delete("s", "k"),
        lambda: state.list_keys("s"),
        lambda: state.count("s"),
        lambda: state.increment("s", "n"),
        lambda: state.clear("s"),
        lambda: state.update("s", "k", lambda payload: payload),
        lambda: state.transaction().__enter__(),
        lambda: None,
    ):
        with pytest.raises(Timeout, match="none of it was saved") as caught, state.transaction():
            state.set("s", "k", 1)
            time.sleep(0.035)
            with suppress(Timeout):
                call()
        assert "transaction_timeout_ms" in caught.value.hint
        assert state.list_scopes() == []
    state.set("s", "k", 1)
    assert state.version() == 1


def test_an_update_is_bounded_too(make: Make) -> None:
    state = make(transaction_timeout_ms=30)
    state.set("s", "k", 1)

    def slow(payload: bytes | None) -> bytes:
        time.sleep(0.035)
        return b"\xc1\x02"

    with pytest.raises(Timeout):
        state.update("s", "k", slow)
    assert state.get("s", "k") == 1


def test_a_timeout_of_0_is_no_limit(make: Make) -> None:
    state = make(transaction_timeout_ms=0)
    with state.transaction():
        state.set("s", "k", 1)
    assert state.get("s", "k") == 1


class Breaking:
    """Makes the store's transaction fail at its n-th change, as a full disk does."""

    def __init__(self, inner: object, countdown: int) -> None:
        self.inner = inner
        self.countdown = countdown

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def put(self, key: bytes, value: bytes) -> None:
        self.countdown -= 1
        if self.countdown < 0:
            raise StorageFull("the disk is full")
        self.inner.put(key, value)  # type: ignore[attr-defined]

    def delete(self, key: bytes) -> bool:
        self.countdown -= 1
        if self.countdown < 0:
            raise StorageFull("the disk is full")
        return self.inner.delete(key)  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("nested", [False, True])
def test_an_operation_that_broke_off_undoes_the_transaction_at_every_step(
    state: StateManager, store: Store, nested: bool
) -> None:
    state.set("s", "k", 1, ttl=100)
    state.set("s", "gone", 1, ttl=100)
    with store.read() as txn:
        before = dict(txn.scan(b"\0"))
    steps = 0
    while True:
        try:
            with state.transaction() as transaction:
                state.set("s", "first", 1)
                transaction.main = Breaking(transaction.main, steps)  # type: ignore[assignment]
                if nested:
                    with suppress(StorageFull), state.transaction():
                        state.set("s", "k", 2, ttl=200)
                        state.delete("s", "gone")
                else:
                    with suppress(StorageFull):
                        state.set("s", "k", 2, ttl=200)
                        state.delete("s", "gone")
                broke = transaction.main.countdown < 0  # type: ignore[attr-defined]
                transaction.main = transaction.main.inner  # type: ignore[attr-defined]
        except StorageFull:
            with store.read() as txn:
                assert dict(txn.scan(b"\0")) == before
            assert not nested
            steps += 1
            continue
        if not broke:
            break
        # The savepoint took back what was half done, so the rest could be kept.
        assert nested
        assert state.list_keys("s") == ["first", "gone", "k"]
        assert state.get("s", "k") == 1
        state.delete("s", "first")
        steps += 1
    assert steps > 6
    assert state.list_keys("s") == ["first", "k"]


def test_an_interrupt_in_the_middle_of_an_operation_undoes_the_transaction(state: StateManager) -> None:
    class Interrupting(Breaking):
        def put(self, key: bytes, value: bytes) -> None:
            raise KeyboardInterrupt

    with pytest.raises(StorageError, match="did not end"), state.transaction() as transaction:
        inner = transaction.main
        transaction.main = Interrupting(inner, 0)  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            state.set("s", "k", 1)
        transaction.main = inner
        state.set("s", "k2", 1)
    assert state.list_scopes() == []


def test_a_failed_operation_leaves_the_next_transaction_alone(state: StateManager) -> None:
    with pytest.raises(LlmspellError), state.transaction():
        state.set("s", "", 1)
    assert state.current is None
    state.set("s", "k", 1)
    assert state.get("s", "k") == 1


def test_an_error_inside_that_is_caught_lets_the_rest_commit(state: StateManager) -> None:
    with state.transaction():
        state.set("s", "k", 1)
        with pytest.raises(Conflict):
            state.set("s", "k", 2, if_version=0)
        with pytest.raises(LlmspellError):
            state.increment("s", "k", 2**63 - 1)
    assert state.get("s", "k") == 1


@pytest.mark.parametrize("fails", [False, True])
def test_a_transaction_that_ends_before_its_savepoint_is_undone_and_frees_the_store(
    state: StateManager, fails: bool
) -> None:
    block = state.transaction()
    block.__enter__()
    state.set("s", "outer", 1)
    parts = [state.transaction(), state.transaction()]
    for part in parts:
        part.__enter__()
        state.set("s", "inner", 1, class_="ephemeral")
    if fails:
        block.__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    else:
        with pytest.raises(StorageError, match="the transaction was undone: a savepoint in it had not ended"):
            block.__exit__(None, None, None)
    parts[1].__exit__(ZeroDivisionError, ZeroDivisionError(), None)
    with pytest.raises(StorageError, match="has ended before its savepoint"):
        parts[0].__exit__(None, None, None)
    assert state.list_scopes() == []
    state.set("s", "next", 1)
    assert state.list_keys("s") == ["next"]


class TestVersions:
    def test_two_managers_in_turn_never_give_one_version_twice(self, make: Make) -> None:
        managers = make(), make()
        for number in range(9):
            managers[number // 2 % 2].set("s", f"k{number}", number)
        assert [change.version for change in managers[0].changes()[0]] == list(range(1, 10))

    def test_a_version_of_an_undone_transaction_is_given_again(self, state: StateManager, store: Store) -> None:
        state.set("s", "k", 1)
        with pytest.raises(ZeroDivisionError), state.transaction():
            state.set("s", "k", 2)
            raise ZeroDivisionError
        with state.transaction():
            pass
        state.set("s", "k", 3)
        assert [revision.version for revision in state.history("s", "k")] == [2, 1]

    def test_what_a_failed_commit_would_have_left_is_forgotten(self, state: StateManager) -> None:
        def refuse(transaction: Transaction) -> None:
            raise StorageError("no")

        state.set("s", "k", 1)
        state.participants.append(refuse)
        with pytest.raises(StorageError):
            state.set("s", "k", 2)
        state.participants.clear()
        state.set("s", "k", 3)
        assert state.version() == 2

    def test_a_head_that_somebody_else_has_changed_is_read_again(self, state: StateManager, store: Store) -> None:
        state.set("s", "k", 1)
        with store.write() as txn:
            Head(100, 1, 0).write(txn)
        state.set("s", "k", 2)
        assert state.version() == 101

    def test_they_go_on_when_the_journal_is_switched_off_and_on(self, make: Make) -> None:
        for number, policy in enumerate((JournalPolicy(), None, None, JournalPolicy(), JournalPolicy(), None)):
            state = make(journal=policy)
            assert state.version() == number
            state.set("s", "k", number)
            assert state.entry("s", "k").version == state.version() == number + 1

    def test_they_go_on_when_all_of_the_journal_has_been_dropped(self, make: Make, clock: Clock) -> None:
        state = make(journal=JournalPolicy(keep_days=1))
        state.set("s", "k", 1)
        state.set("s", "k", 2)
        clock.advance(2 * 86_400)
        state.compact()
        assert state.changes(since=2) == ([], 2)
        assert make().version() == 2
        make().set("s", "k", 3)
        assert make().entry("s", "k").version == 3
