"""Filling an empty store: one change for everybody, whatever happens to the one who fills."""

import threading
import time
from pathlib import Path

import pytest

from llmspell.errors import StorageError, StorageFull
from llmspell.storage import filling
from llmspell.storage.format import FILLING, FORMAT, FORMAT_KEY
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.store import Store, WriteTransaction
from tests.storage.child import run, start

PAIRS = [(b"s%05d" % number, b"v" * 100) for number in range(3000)]


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "_COMMIT_BYTES", 10_000)


def load(txn: WriteTransaction) -> None:
    for place in range(0, len(PAIRS), 100):
        txn.load(PAIRS[place : place + 100])


def everything(store: Store) -> list[tuple[bytes, bytes]]:
    with store.read() as txn:
        return list(txn.scan(b""))


def test_filled_store_holds_all_in_whatever_order_it_came(any_store: Store) -> None:
    with any_store.fill() as txn:
        load(txn)
        txn.load([])
        txn.load([(b"a1", b"first"), (FORMAT_KEY, FORMAT), (b"z1", b"last")])
        txn.load([(b"a0", b"before all")])
        txn.put(b"m/head", b"1")
        assert txn.get(FORMAT_KEY) == FORMAT
        assert txn.get(b"s00007") == b"v" * 100
        for key, _ in txn.scan(b"s02990", b"t"):
            txn.put(b"x" + key, b"")
    wanted = [(b"a0", b"before all"), (b"a1", b"first"), (FORMAT_KEY, FORMAT), (b"m/head", b"1"), *PAIRS]
    wanted += [(b"x" + key, b"") for key, _ in PAIRS[2990:]]
    assert everything(any_store) == [*wanted, (b"z1", b"last")]


def test_filling_that_fails_leaves_an_empty_store(any_store: Store) -> None:
    with pytest.raises(KeyError), any_store.fill() as txn:
        load(txn)
        raise KeyError
    assert everything(any_store) == [(FORMAT_KEY, FORMAT)]
    with any_store.fill() as txn:
        load(txn)
    assert len(everything(any_store)) == len(PAIRS) + 1


def test_store_that_is_not_empty_stays_as_it_is(path: Path) -> None:
    with LmdbStore(path, sync=False) as store:
        with store.write() as txn:
            txn.put(b"s1", b"mine")
        with pytest.raises(StorageError, match="not empty"), store.fill():
            pass
        with store.write() as txn:
            txn.put(b"s2", b"also mine")
        assert [key for key, _ in everything(store)] == [FORMAT_KEY, b"s1", b"s2"]


def test_parts_are_committed_before_the_end_and_no_thread_sees_them(path: Path) -> None:
    with LmdbStore(path, sync=False) as store:
        seen: list[int] = []
        reader = threading.Thread(target=lambda: seen.append(len(everything(store))))
        generation = store.generation()
        with store.fill() as txn:
            load(txn)
            reader.start()
            with pytest.raises(StorageError, match="another way"):
                store.get(b"s00001")
            assert txn.get(FILLING) == b""
            time.sleep(0.05)
            assert seen == []
        reader.join()
        assert store.generation() > generation + 10
        assert seen == [len(PAIRS) + 1]
        assert store.get(FILLING) is None


def test_process_that_opens_it_meanwhile_waits_and_sees_everything(path: Path) -> None:
    code = "print('starts', flush=True); print(LmdbStore(path).info()['entries'])"
    with LmdbStore(path, sync=False) as store:
        with store.fill() as txn:
            load(txn)
            other = start(code, path)
            assert other.stdout is not None
            assert other.stdout.readline() == b"starts\n"
            time.sleep(0.2)
            assert other.poll() is None
            txn.put(b"x1", b"")
        with other:
            assert other.stdout.read() == b"%d\n" % (len(PAIRS) + 2)


def test_store_that_another_process_has_open_is_filled_in_one_commit(path: Path) -> None:
    code = """
store = LmdbStore(path)
print("open", flush=True)
for line in sys.stdin:
    print(store.info()["entries"], flush=True)
"""
    with LmdbStore(path, sync=False) as store, start(code, path) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with store.fill() as txn:
            load(txn)
            other.stdin.write(b"\n")
            other.stdin.flush()
            assert other.stdout.readline() == b"1\n"
        other.stdin.write(b"\n")
        other.stdin.close()
        assert other.stdout.readline() == b"%d\n" % (len(PAIRS) + 1)


KILLED = """
from llmspell.storage import filling
filling._COMMIT_BYTES = 10_000
with LmdbStore(path).fill() as txn:
    for place in range(0, 3000, 100):
        txn.load([(b"s%05d" % number, b"v" * 100) for number in range(place, place + 100)])
    print("filled", flush=True)
    time.sleep(60)
"""


def test_store_whose_filler_was_killed_is_empty(path: Path) -> None:
    with start(KILLED, path) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"filled\n"
        other.kill()
    with pytest.raises(StorageError, match="broken off"):
        LmdbStore(path, read_only=True)
    with LmdbStore(path) as store:
        assert everything(store) == [(FORMAT_KEY, FORMAT)]
        assert store.verify() == []
        with store.fill() as txn:
            load(txn)
        assert len(everything(store)) == len(PAIRS) + 1


def test_full_disk_leaves_an_empty_store(path: Path) -> None:
    code = """
import resource
from llmspell.storage import filling
filling._COMMIT_BYTES = 10_000
for limit in range(20_000, 400_000, 7777):
    store = LmdbStore(path)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        with store.fill() as txn:
            for place in range(0, 3000, 100):
                txn.load([(b"s%05d" % number, b"v" * 100) for number in range(place, place + 100)])
    except StorageFull as error:
        assert path in error.message
    else:
        raise AssertionError(limit)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with store.read() as txn:
        assert [key for key, _ in txn.scan(b"")] == [b"m/format"], limit
    store.close()
with LmdbStore(path) as store:
    assert store.verify() == []
"""
    run(code, path)


def test_a_full_map_leaves_an_empty_store(path: Path) -> None:
    with LmdbStore(path, map_size=200_000, sync=False) as store:
        with pytest.raises(StorageFull), store.fill() as txn:
            load(txn)
        assert everything(store) == [(FORMAT_KEY, FORMAT)]
