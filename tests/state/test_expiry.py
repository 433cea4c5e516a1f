"""Time to live: exact to the microsecond, swept later."""

import pytest

from llmspell.state.expiry import BATCH
from llmspell.state.manager import StateManager
from llmspell.storage.store import Store
from tests.state.conftest import START, Clock


def index(store: Store) -> list[bytes]:
    with store.read() as txn:
        return list(txn.scan_keys(b"x", b"y"))


def test_it_is_absent_from_everything_at_its_moment_and_not_before(state: StateManager, clock: Clock) -> None:
    state.set("s", "k", 5, ttl=1.5)
    state.set("s", "stays", 5)
    state.set("only", "k", 5, ttl=1.5)
    clock.advance(1.499999)
    assert state.get("s", "k") == 5
    assert state.list_keys("s") == ["k", "stays"]
    assert state.count("s") == 2
    assert state.list_scopes() == ["only", "s"]
    clock.advance(0.000001)
    assert state.get("s", "k") is None
    assert state.entry("s", "k") is None
    assert not state.exists("s", "k")
    assert state.list_keys("s") == ["stays"]
    assert state.list_keys("s", reverse=True, limit=1) == ["stays"]
    assert [key for key, _ in state.list("s")] == ["stays"]
    assert state.count("s") == 1
    assert state.list_scopes() == ["s"]
    assert state.version() == 3


def test_writes_treat_it_as_absent(state: StateManager, clock: Clock) -> None:
    for key in ("deleted", "cleared", "incremented", "updated", "saved"):
        state.set("s", key, 5, ttl=1)
    clock.advance(1)
    assert not state.delete("s", "deleted")
    assert state.clear("s", prefix="cleared") == 0
    assert state.increment("s", "incremented") == 1
    seen = []
    state.update("s", "updated", lambda payload: seen.append(payload) or b"\xc1\x01")
    assert seen == [None]
    state.set("s", "saved", 6)
    entry = state.entry("s", "saved")
    assert (entry.created_at, entry.expires_at) == (START + 1_000_000, None)
    assert state.entry("s", "incremented").expires_at is None
    for key in ("incremented", "updated", "saved"):
        assert [(r.operation, r.at) for r in state.history("s", key)] == [
            ("save", START + 1_000_000), ("expire", START + 1_000_000), ("save", START),
        ]  # fmt: skip


def test_a_plain_save_ends_an_expiry_and_leaves_no_index(state: StateManager, store: Store, clock: Clock) -> None:
    state.set("s", "k", 1, ttl=1)
    state.set("s", "k", 2)
    assert index(store) == []
    clock.advance(100)
    assert state.get("s", "k") == 2


def test_increment_and_update_keep_the_expiry(state: StateManager, clock: Clock) -> None:
    state.set("s", "k", 1, ttl=10)
    clock.advance(4)
    state.increment("s", "k")
    state.update("s", "k", lambda payload: payload)
    assert state.entry("s", "k").expires_at == START + 10_000_000
    clock.advance(6)
    assert state.get("s", "k") is None


def test_deleting_and_renewing_leave_one_index_entry_at_most(state: StateManager, store: Store) -> None:
    state.set("s", "k", 1, ttl=1)
    state.set("s", "k", 1, ttl=2)
    state.increment("s", "k")
    assert len(index(store)) == 1
    state.delete("s", "k")
    assert index(store) == []


def test_the_smallest_ttl_expires_with_the_next_microsecond(state: StateManager, clock: Clock) -> None:
    state.set("s", "k", 1, ttl=1e-9)
    assert state.get("s", "k") == 1
    clock.advance(0.000001)
    assert state.get("s", "k") is None


def test_later_commits_sweep_a_few_each(state: StateManager, store: Store, clock: Clock) -> None:
    for number in range(3 * BATCH):
        state.set("s", f"k{number:02}", 1, ttl=1)
    clock.advance(1)
    left = []
    for number in range(4):
        state.set("t", "k", number)
        left.append(len(index(store)))
    assert left == [2 * BATCH, BATCH, 0, 0]
    expired = [change for change in state.changes()[0] if change.operation == "expire"]
    assert len({change.key for change in expired}) == 3 * BATCH
    history = state.history("s", "k00")
    assert [(revision.operation, revision.at) for revision in history] == [
        ("expire", START + 1_000_000),
        ("save", START),
    ]


def test_sweep_removes_everything_that_has_expired_and_nothing_else(
    state: StateManager, store: Store, clock: Clock
) -> None:
    with state.transaction():
        for number in range(600):
            state.set("s", f"k{number}", 1, ttl=1 + number % 2)
    clock.advance(1)
    assert state.sweep() == 300
    assert state.sweep() == 0
    assert state.count("s") == 300
    assert len(index(store)) == 300
    clock.advance(1)
    assert state.sweep() == 300
    assert index(store) == []
    assert state.list_scopes() == []


def test_what_another_handle_let_expire_is_swept_within_a_second(make, store: Store, clock: Clock) -> None:
    mine, other = make(), make()
    mine.set("s", "k", 1)
    other.set("s", "expiring", 1, ttl=0.1)
    clock.advance(1)
    mine.set("s", "k", 2)
    assert index(store) == []


def test_reads_stay_right_with_a_long_backlog(state: StateManager, clock: Clock) -> None:
    with state.transaction():
        for number in range(1500):
            state.set("s", f"k{number:04}", 1, ttl=1)
        state.set("s", "k0700a", 1)
        state.set("t", "k", 1)
    clock.advance(1)
    assert state.list_keys("s") == ["k0700a"]
    assert state.count("s") == 1
    assert state.list_scopes() == ["s", "t"]
    assert state.list_keys("s", prefix="k1") == []


def test_an_expiry_inside_a_transaction_is_exact_too(state: StateManager, clock: Clock) -> None:
    with state.transaction():
        state.set("s", "k", 1, ttl=1)
        clock.advance(1)
        assert state.get("s", "k") is None
        assert state.list_keys("s") == []
        assert state.increment("s", "k") == 1
    assert state.get("s", "k") == 1


@pytest.mark.parametrize("journaled", [False, True])
def test_sweeping_works_with_and_without_the_journal(make, clock: Clock, journaled: bool) -> None:
    from llmspell.state.journal import JournalPolicy

    state = make(journal=JournalPolicy(enabled=journaled))
    state.set("s", "k", 1, ttl=1)
    clock.advance(2)
    assert state.sweep() == 1
    assert state.version() == 2


def test_damaged_records_are_left_for_the_reader_to_see(state: StateManager, store: Store, clock: Clock) -> None:
    from llmspell.errors import Corrupt

    state.set("s", "k", 1, ttl=1)
    with store.write() as txn:
        txn.put(b"ss\0k", b"junk")
    clock.advance(1)
    state.set("t", "k", 1)
    assert state.sweep() == 0
    with pytest.raises(Corrupt, match="'k' in scope 's'"):
        state.get("s", "k")
    with store.write() as txn:
        txn.delete(b"ss\0k")


def test_an_index_entry_that_was_left_behind_hides_nothing(state: StateManager, store: Store, clock: Clock) -> None:
    state.set("s", "k", 1, ttl=1)
    with store.write() as txn:
        txn.delete(b"ss\0k")
    state.set("s", "k", 2)
    clock.advance(1)
    assert state.list_keys("s") == ["k"]
    assert state.count("s") == 1
    assert state.sweep() == 0
    assert index(store) == []
    assert state.get("s", "k") == 2
