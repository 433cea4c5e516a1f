"""Memory that reading fills is given back, and what is read afterwards is right."""

import sys
from pathlib import Path

from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.store import Store


def resident_of_files() -> int:
    """In MiB."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("RssFile")) >> 10


def read_all(store: Store) -> int:
    with store.read() as txn:
        return sum(len(value) for key, value in txn.scan(b"s"))


def test_pages_that_were_read_are_let_go_and_read_again(path: Path) -> None:
    with LmdbStore(path, sync=False) as store:
        with store.fill() as txn:
            for number in range(2000):
                txn.load([(b"s%05d" % (number * 10 + place), bytes(3000)) for place in range(10)])
        assert read_all(store) == 20_000 * 3000
        before = resident_of_files()
        with store.read() as txn:
            pairs = txn.scan(b"s")
            first = next(pairs)
            store.relax()
            after = resident_of_files()
            assert next(pairs)[0] == b"s00001"
            assert txn.get(first[0]) == first[1]
        assert after < before - 40 or sys.platform != "linux"
        assert read_all(store) == 20_000 * 3000


def test_letting_go_is_harmless_in_every_store(any_store: Store) -> None:
    with any_store.write() as txn:
        txn.put(b"s1", b"1")
        any_store.relax()
        txn.put(b"s2", b"2")
    any_store.relax()
    assert any_store.get(b"s1") == b"1"
    assert any_store.get(b"s2") == b"2"
