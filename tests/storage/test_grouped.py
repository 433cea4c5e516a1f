"""What grouping adds: when changes are on disk, and what happens when they cannot be."""

import threading
import time
from pathlib import Path

import pytest

from llmspell.errors import StorageBusy, StorageError, StorageFull
from llmspell.storage.grouped import GroupedStore
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.memory import MemoryStore, MemoryWrite
from llmspell.storage.store import Store


class FullStore(MemoryStore):
    """A store whose disk can be full: then its n-th change, or its commit, fails."""

    def __init__(self) -> None:
        super().__init__()
        self.changes_left = 1 << 60
        self.attempts = 0

    def write(self, *, timeout: float | None = None) -> MemoryWrite:
        self.attempts += 1
        return FullWrite(self, timeout)


class FullWrite(MemoryWrite):
    def put(self, key: bytes, value: bytes) -> None:
        self.spend()
        super().put(key, value)

    def delete(self, key: bytes) -> bool:
        self.spend()
        return super().delete(key)

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            return super().__exit__(kind, *rest)
        try:
            self.spend()
        except StorageFull:
            super().__exit__(StorageFull)
            raise
        return super().__exit__(None)

    def spend(self) -> None:
        assert isinstance(self._store, FullStore)
        if self._store.changes_left == 0:
            raise StorageFull("no room")
        self._store.changes_left -= 1


def put(store: Store, key: bytes, value: bytes = b"") -> None:
    with store.write(timeout=10) as txn:
        txn.put(key, value)


def wait_for(store: Store, key: bytes) -> float:
    """Seconds until `store` has the key."""
    began = time.monotonic()
    while store.get(key) is None:
        assert time.monotonic() - began < 10
        time.sleep(0.002)
    return time.monotonic() - began


def test_change_reaches_the_disk_when_its_window_ends(path: Path) -> None:
    with LmdbStore(path) as other, GroupedStore(LmdbStore(path), 100) as store:
        put(store, b"x1")
        assert store.get(b"x1") == b""
        assert other.get(b"x1") is None
        assert wait_for(other, b"x1") < 5
        put(store, b"x2")
        assert other.get(b"x2") is None
        store.sync()
        assert other.get(b"x2") == b""


def test_closing_writes_what_is_pending(path: Path) -> None:
    with GroupedStore(LmdbStore(path), 60_000) as store:
        for number in range(100):
            put(store, b"x%02d" % number)
        assert store.info()["pending"] == 100
    with LmdbStore(path) as plain, plain.read() as txn:
        assert len(list(txn.scan(b"x", b"y"))) == 100


def test_window_is_one_commit(path: Path) -> None:
    with LmdbStore(path) as other, GroupedStore(LmdbStore(path), 60_000) as store:
        before = other.generation()
        for number in range(50):
            put(store, b"x%02d" % number)
        store.sync()
        assert other.generation() == before + 1


def test_no_thread_runs_before_the_first_write_and_after_a_window() -> None:
    with GroupedStore(MemoryStore(), 20) as store:
        assert store._window is None
        with store.read() as txn:
            assert txn.get(b"x1") is None
        assert store._window is None
        put(store, b"x1")
        assert wait_for(store.base, b"x1") < 5
        store.sync()
        assert store._window is None


def test_large_window_ends_early() -> None:
    with GroupedStore(MemoryStore(), 60_000) as store:
        for number in range(70):
            put(store, b"x%02d" % number, bytes(1_000_000))
        assert wait_for(store.base, b"x00") < 10


def test_writers_go_on_while_a_window_ends() -> None:
    """Every change of every thread is in the store at the end, over hundreds of windows."""
    store = GroupedStore(MemoryStore(), 1)

    def work(name: int) -> None:
        for number in range(300):
            put(store, b"x%d-%03d" % (name, number))
            assert store.get(b"x%d-%03d" % (name, number)) == b""

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.sync()
    with store.base.read() as txn:
        assert len(list(txn.scan(b"x", b"y"))) == 1200
    store.close()


def test_sync_inside_a_transaction_is_refused_and_harms_nothing() -> None:
    with GroupedStore(MemoryStore(), 60_000) as store:
        with store.write() as txn:
            txn.put(b"x1", b"1")
            with pytest.raises(StorageError, match="inside a write transaction"):
                store.sync()
            with pytest.raises(StorageError, match="inside a write transaction"):
                store.close()
            txn.put(b"x2", b"2")
        store.sync()
        assert store.base.get(b"x2") == b"2"


@pytest.mark.parametrize("room", range(6))
def test_every_step_of_a_window_that_fails_keeps_its_changes(room: int) -> None:
    """Five changes and a commit: each fails in turn, and all of them are written when there is room again."""
    base = FullStore()
    put(base, b"x0", b"old")
    put(base, b"x9", b"old")
    store = GroupedStore(base, 60_000)
    base.changes_left = room
    with store.write() as txn:
        for number in range(4):
            txn.put(b"x%d" % number, b"new")
        txn.delete(b"x9")
    with pytest.raises(StorageFull, match="no room"):
        store.sync()
    expected = {b"x%d" % number: b"new" for number in range(4)}
    with store.read() as reader:
        assert dict(reader.scan(b"x", b"y")) == expected
    with base.read() as reader:
        assert dict(reader.scan(b"x", b"y")) == {b"x0": b"old", b"x9": b"old"}
    base.changes_left = room
    with pytest.raises(StorageFull, match="no room"):
        put(store, b"x5")
    assert store.get(b"x5") is None
    base.changes_left = 1 << 60
    put(store, b"x5", b"new")
    store.sync()
    with base.read() as reader:
        assert dict(reader.scan(b"x", b"y")) == {**expected, b"x5": b"new"}
    store.close()


def test_window_that_failed_in_the_background_is_told_to_the_next_write() -> None:
    base = FullStore()
    store = GroupedStore(base, 10)
    base.changes_left = 0
    put(store, b"x1")
    deadline = time.monotonic() + 10
    while store._failure is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    with pytest.raises(StorageFull):
        put(store, b"x2")
    base.changes_left = 1 << 60
    store.close()
    assert base.tree.size == 0
    assert base.commits == 1


def test_kept_changes_that_no_longer_fit_are_an_error_and_not_a_lost_update() -> None:
    base = FullStore()
    store = GroupedStore(base, 60_000)
    base.changes_left = 0
    put(store, b"x1", b"ours")
    with pytest.raises(StorageFull):
        store.sync()
    base.changes_left = 1 << 60
    put(base, b"x1", b"theirs")
    with pytest.raises(StorageError, match="1 changes could not be saved, and another process has changed the store"):
        put(store, b"x2")
    assert store.get(b"x1") == b"theirs"
    put(store, b"x2", b"again")
    store.sync()
    assert base.get(b"x2") == b"again"
    assert base.get(b"x1") == b"theirs"
    store.close()


def test_window_waits_for_the_store_below_no_longer_than_its_writer(path: Path) -> None:
    with LmdbStore(path) as other, GroupedStore(LmdbStore(path), 60_000) as store:
        with other.write() as txn:
            txn.put(b"x1", b"1")

            def write() -> None:
                with pytest.raises(StorageBusy), store.write(timeout=0.1):
                    pytest.fail("it began")

            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
        put(store, b"x2")
        store.sync()
        assert other.get(b"x2") == b""


def test_readers_see_layer_and_store_as_one(path: Path) -> None:
    with GroupedStore(LmdbStore(path), 60_000) as store:
        for number in range(0, 100, 2):
            put(store, b"x%02d" % number, b"below")
        store.sync()
        for number in range(1, 100, 3):
            put(store, b"x%02d" % number, b"above")
        with store.write() as txn:
            txn.delete(b"x00")
            txn.delete(b"x98")
            assert txn.delete(b"x00") is False
        expected = {b"x%02d" % number: b"below" for number in range(2, 98, 2)}
        expected |= {b"x%02d" % number: b"above" for number in range(1, 100, 3)}
        for reverse in (False, True):
            with store.read() as txn:
                assert list(txn.scan(b"x", b"y", reverse=reverse)) == sorted(expected.items(), reverse=reverse)
                assert list(txn.scan_keys(b"x", b"y", reverse=reverse)) == sorted(expected, reverse=reverse)
