"""What every store promises, over every kind of store."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from llmspell.errors import StorageBusy, StorageError
from llmspell.storage.format import FORMAT, FORMAT_KEY
from llmspell.storage.store import MAX_KEY_BYTES, ReadTransaction, Store
from tests.storage.conftest import open_kind


class Undo(Exception):
    """Raised to leave a block badly."""


def fill(store: Store, *keys: bytes) -> None:
    with store.write() as txn:
        for key in keys:
            txn.put(key, b"value of " + key)


def keys_of(
    txn: ReadTransaction, start: bytes = b"x", end: bytes | None = b"y", *, reverse: bool = False
) -> list[bytes]:
    keys = list(txn.scan_keys(start, end, reverse=reverse))
    assert [key for key, _ in txn.scan(start, end, reverse=reverse)] == keys
    return keys


def test_what_was_committed_is_read(any_store: Store) -> None:
    fill(any_store, b"x1")
    with any_store.read() as txn:
        assert txn.get(b"x1") == b"value of x1"
        assert txn.get(b"x2") is None
    assert any_store.get(b"x1") == b"value of x1"
    assert any_store.get(b"x2") is None


def test_write_reads_its_own_changes_and_nobody_else_does(any_store: Store) -> None:
    fill(any_store, b"x1")
    with any_store.write() as txn:
        txn.put(b"x2", b"new")
        txn.delete(b"x1")
        assert txn.get(b"x2") == b"new"
        assert txn.get(b"x1") is None
        assert keys_of(txn) == [b"x2"]
        assert any_store.get(b"x2") is None
        assert any_store.get(b"x1") == b"value of x1"


def test_block_that_raises_changes_nothing(any_store: Store) -> None:
    fill(any_store, b"x1", b"x2")
    with suppress(Undo), any_store.write() as txn:
        txn.put(b"x1", b"changed")
        txn.put(b"x3", b"new")
        txn.delete(b"x2")
        raise Undo
    with any_store.read() as txn:
        assert list(txn.scan(b"x", b"y")) == [(b"x1", b"value of x1"), (b"x2", b"value of x2")]


def test_snapshot_does_not_change(any_store: Store) -> None:
    fill(any_store, *(b"x%04d" % number for number in range(2000)))
    with any_store.read() as txn:
        scan = txn.scan(b"x", b"y")
        seen = [next(scan)[0] for _ in range(10)]
        with any_store.write() as writer:
            for number in range(0, 2000, 2):
                writer.delete(b"x%04d" % number)
                writer.put(b"x%04d+" % number, b"new")
        any_store.sync()
        seen += [key for key, _ in scan]
        assert seen == [b"x%04d" % number for number in range(2000)]
        assert txn.get(b"x0000") == b"value of x0000"
        assert txn.get(b"x0000+") is None
    assert any_store.get(b"x0000") is None


@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])
def test_scan_has_its_start_and_not_its_end(any_store: Store, reverse: bool) -> None:
    fill(any_store, b"x", b"xa", b"xb", b"xb\0", b"xc", b"y", b"z")

    def check(txn: ReadTransaction) -> None:
        for start, end, expected in [
            (b"xa", b"xc", [b"xa", b"xb", b"xb\0"]),
            (b"xaa", b"xb\0", [b"xb"]),
            (b"x", b"x", []),
            (b"y", b"x", []),
            (b"xd", b"y", []),
            (b"y", None, [b"y", b"z"]),
            (b"zz", None, []),
        ]:
            assert keys_of(txn, start, end, reverse=reverse) == (expected[::-1] if reverse else expected)

    with any_store.read() as txn:
        check(txn)
    with any_store.write() as writer:
        check(writer)


@pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "backwards"])
@pytest.mark.parametrize("size", [3, 2000], ids=["short values", "long values"])
def test_scan_goes_on_after_writes_from_the_last_key(any_store: Store, reverse: bool, size: int) -> None:
    random = Random(size)
    fill(any_store, *(b"x%03d" % number for number in range(0, 1000, 3)))
    with any_store.write() as txn:
        model = {b"x%03d" % number for number in range(0, 1000, 3)}
        scan = txn.scan_keys(b"x", b"y", reverse=reverse)
        last: bytes | None = None
        while True:
            ahead = [key for key in model if last is None or (key < last if reverse else key > last)]
            expected = (max if reverse else min)(ahead, default=None)
            assert next(scan, None) == expected
            if expected is None:
                break
            last = expected
            for _ in range(random.randrange(3)):
                near = b"x%03d" % min(max(int(last[1:]) + random.randrange(-4, 5), 0), 999)
                if random.random() < 0.5:
                    assert txn.delete(near) is (near in model)
                    model.discard(near)
                else:
                    txn.put(near, bytes(random.randrange(size)))
                    model.add(near)
        assert keys_of(txn, reverse=reverse) == sorted(model, reverse=reverse)


def test_savepoint_that_raises_is_undone_alone(any_store: Store) -> None:
    fill(any_store, b"x1")
    with any_store.write() as txn:
        txn.put(b"x2", b"before")
        with suppress(Undo), txn.savepoint():
            txn.put(b"x2", b"inside")
            txn.delete(b"x1")
            txn.put(b"x3", b"inside")
            assert keys_of(txn) == [b"x2", b"x3"]
            raise Undo
        assert keys_of(txn) == [b"x1", b"x2"]
        assert txn.get(b"x2") == b"before"
        txn.put(b"x4", b"after")
    with any_store.read() as reader:
        assert keys_of(reader) == [b"x1", b"x2", b"x4"]


def test_savepoints_nest(any_store: Store) -> None:
    with any_store.write() as txn:
        with txn.savepoint():
            txn.put(b"x1", b"kept")
            with suppress(Undo), txn.savepoint():
                txn.put(b"x1", b"undone")
                with txn.savepoint():
                    txn.put(b"x2", b"undone with what it is in")
                raise Undo
            with txn.savepoint():
                txn.put(b"x3", b"kept")
        assert keys_of(txn) == [b"x1", b"x3"]
        assert txn.get(b"x1") == b"kept"


def test_savepoint_is_undone_with_its_transaction(any_store: Store) -> None:
    with suppress(Undo), any_store.write() as txn:
        with txn.savepoint():
            txn.put(b"x1", b"value")
        raise Undo
    assert any_store.get(b"x1") is None


def test_scan_goes_on_across_savepoints(any_store: Store) -> None:
    fill(any_store, *(b"x%d" % number for number in range(9)))
    with any_store.write() as txn:
        seen = []
        for key in txn.scan_keys(b"x", b"y"):
            seen.append(key)
            with suppress(Undo), txn.savepoint():
                txn.delete(b"x%d" % (len(seen) + 1))
                if len(seen) % 2:
                    raise Undo
        assert seen == [b"x0", b"x1", b"x2", b"x4", b"x6", b"x7", b"x8"]


def test_delete_says_whether_the_key_was_there(any_store: Store) -> None:
    fill(any_store, b"x1")
    with any_store.write() as txn:
        assert txn.delete(b"x1") is True
        assert txn.delete(b"x1") is False
        assert txn.delete(b"never") is False
        txn.put(b"x1", b"")
        assert txn.get(b"x1") == b""
        assert txn.delete(b"x1") is True


def test_longest_key_and_empty_and_long_values_are_exact(any_store: Store) -> None:
    values = {b"x": b"", b"x" * MAX_KEY_BYTES: b"long key", b"x\0": b"\0", b"x\xff": bytes(range(256)) * 20_000}
    with any_store.write() as txn:
        for key, value in values.items():
            txn.put(key, value)
    any_store.sync()
    with any_store.read() as reader:
        assert dict(reader.scan(b"x", b"y")) == values


@pytest.mark.parametrize("key", [b"", b"x" * (MAX_KEY_BYTES + 1)], ids=["empty", "too long"])
def test_impossible_key_is_refused_and_breaks_nothing(any_store: Store, key: bytes) -> None:
    with any_store.write() as txn:
        txn.put(b"x1", b"1")
        with pytest.raises(ValueError, match="1 to 511 bytes"):
            txn.put(key, b"")
        assert txn.delete(key) is False
        assert txn.get(key) is None
        txn.put(b"x2", b"2")
    assert any_store.get(key) is None
    with any_store.read() as reader:
        assert reader.get(key) is None
        assert keys_of(reader) == [b"x1", b"x2"]


@pytest.mark.parametrize(("key", "value"), [("text", b""), (b"x", "text"), (b"x", 5)])
def test_only_bytes_are_stored(any_store: Store, key: bytes, value: bytes) -> None:
    with any_store.write() as txn, pytest.raises(TypeError):
        txn.put(key, value)


def test_stored_bytes_do_not_follow_the_buffer_they_came_from(any_store: Store) -> None:
    buffer = bytearray(b"before")
    with any_store.write() as txn:
        txn.put(memoryview(b"x1"), buffer)  # type: ignore[arg-type]
        buffer[:] = b"after!"
        assert txn.get(b"x1") == b"before"
    assert any_store.get(b"x1") == b"before"


def test_a_transaction_that_knows_the_next_generation_is_right(any_store: Store) -> None:
    for number in range(3):
        with suppress(Undo), any_store.write() as txn:
            promised = txn.next_generation()
            txn.put(b"x", b"undone")
            raise Undo
        with any_store.write() as txn, txn.savepoint():
            assert txn.next_generation() == promised
            txn.put(b"x%d" % number, b"")
        assert promised in (None, any_store.generation())
        with any_store.write() as txn:
            txn.get(b"x")  # nothing is changed
        assert promised in (None, any_store.generation())


def test_every_commit_raises_the_generation(any_store: Store) -> None:
    seen = [any_store.generation()]
    for number in range(5):
        fill(any_store, b"x%d" % number)
        seen.append(any_store.generation())
        if number == 2:
            any_store.sync()
    assert sorted(set(seen)) == seen
    with suppress(Undo), any_store.write() as txn:
        txn.put(b"x", b"")
        raise Undo
    assert any_store.generation() == seen[-1]


def test_second_writer_waits_for_the_first(any_store: Store) -> None:
    order = []
    started = threading.Event()

    def write() -> None:
        started.set()
        with any_store.write() as txn:
            order.append(txn.get(b"x1"))

    with any_store.write() as txn:
        thread = threading.Thread(target=write)
        thread.start()
        started.wait()
        time.sleep(0.05)
        assert any_store.is_wanted()
        txn.put(b"x1", b"first")
    thread.join()
    assert order == [b"first"]


def test_writer_that_waits_too_long_is_told_so(any_store: Store) -> None:
    def write() -> float:
        began = time.monotonic()
        with pytest.raises(StorageBusy, match=r"0\.1 seconds"), any_store.write(timeout=0.1):
            pytest.fail("it got the turn")
        return time.monotonic() - began

    with ThreadPoolExecutor(1) as pool, any_store.write() as txn:
        txn.put(b"x1", b"1")
        assert 0.1 <= pool.submit(write).result() < 5
    with any_store.write(timeout=0.1) as txn:
        txn.put(b"x2", b"2")
    with any_store.read() as reader:
        assert keys_of(reader) == [b"x1", b"x2"]


def test_write_inside_a_write_of_the_same_thread_is_an_error(any_store: Store) -> None:
    with any_store.write() as txn:
        txn.put(b"x1", b"outer")
        with pytest.raises(StorageError, match="inside another"), any_store.write():
            pytest.fail("it began")
    assert any_store.get(b"x1") == b"outer"


def test_threads_never_lose_an_update(any_store: Store) -> None:
    def count(_: int) -> None:
        for _ in range(50):
            with any_store.write(timeout=60) as txn:
                txn.put(b"x1", b"%d" % (int(txn.get(b"x1") or b"0") + 1))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(count, range(6)))
    assert any_store.get(b"x1") == b"300"


def test_readers_see_whole_commits_while_threads_write(any_store: Store) -> None:
    done = threading.Event()
    pairs = [(b"x%d" % number, b"y%d" % number) for number in range(20)]

    def write() -> None:
        for number in range(150):
            with any_store.write() as txn:
                for left, right in pairs:
                    txn.put(left, b"%d" % number)
                    txn.put(right, b"%d" % number)
            if number % 10 == 0:
                any_store.sync()
        done.set()

    def read() -> int:
        rounds = 0
        while not done.is_set() or rounds == 0:
            with any_store.read() as txn:
                values = {value for _, value in txn.scan(b"x", b"z")}
                values |= {txn.get(key) or b"" for pair in pairs for key in pair}
            assert len(values) == 1
            rounds += 1
        return rounds

    with any_store.write() as txn:
        for pair in pairs:
            for key in pair:
                txn.put(key, b"0")
    with ThreadPoolExecutor(3) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        pool.submit(write).result()
        assert all(reader.result() for reader in readers)


def test_transaction_is_of_no_use_after_its_block(any_store: Store) -> None:
    fill(any_store, b"x1")
    with any_store.read() as reader:
        pass
    with any_store.write() as writer:
        pass
    for txn in (reader, writer):
        with pytest.raises(StorageError):
            txn.get(b"x1")
        with pytest.raises(StorageError):
            list(txn.scan(b"x"))
    with pytest.raises(StorageError):
        writer.put(b"x1", b"late")
    with pytest.raises(StorageError):
        writer.delete(b"x1")
    assert any_store.get(b"x1") == b"value of x1"


def test_closed_store_says_so(kind: str, path: Path) -> None:
    # Another object on the same folder keeps the file open, which must not keep the closed one alive.
    with open_kind(kind, path) as store, open_kind("lmdb", path):
        fill(store, b"x1")
        store.close()
        store.close()
        for use in (store.sync, store.info, lambda: store.get(b"x1"), lambda: store.get(b"x2")):
            with pytest.raises(StorageError, match="closed"):
                use()
        with pytest.raises(StorageError, match="closed"), store.read():
            pytest.fail("it began")
        with pytest.raises(StorageError, match="closed"), store.write():
            pytest.fail("it began")


def test_every_store_carries_the_format_marker(any_store: Store) -> None:
    assert any_store.get(FORMAT_KEY) == FORMAT
    assert any_store.info()["entries"] == 1


def test_page_costs_the_same_in_a_large_store(any_store: Store) -> None:
    """A hundred keys out of 100 000 take no more than three times what they take out of 1000."""

    def page(start: bytes) -> float:
        best = 1.0
        for _ in range(20):
            began = time.perf_counter()
            with any_store.read() as txn:
                scan = txn.scan(start)
                assert len([next(scan) for _ in range(100)]) == 100
            best = min(best, time.perf_counter() - began)
        return best

    fill(any_store, *(b"x%06d" % number for number in range(1000)))
    any_store.sync()
    small = page(b"x000500")
    fill(any_store, *(b"x%06d" % number for number in range(1000, 100_000)))
    any_store.sync()
    assert page(b"x050000") < small * 3
