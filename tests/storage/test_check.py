"""The check finds what is wrong, whatever it is, and says so in sentences."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmspell.errors import Corrupt
from llmspell.storage.check import check
from llmspell.storage.format import FORMAT_KEY
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.memory import MemoryRead, MemoryStore
from llmspell.storage.store import Store

PAGE = os.sysconf("SC_PAGE_SIZE")


def test_sound_store_has_its_size_and_no_problems(any_store: Store) -> None:
    with any_store.write() as txn:
        txn.put(b"x1", b"12345")
    report = check(any_store)
    assert report.is_sound
    assert report.entries == 2
    assert report.size == len(b"x112345m/formatllmspell 1")


def test_examiner_is_shown_every_pair_and_its_findings_are_kept(any_store: Store) -> None:
    with any_store.write() as txn:
        for number in range(1500):
            txn.put(b"x%04d" % number, b"bad" if number % 500 == 7 else b"good")
    report = check(any_store, lambda key, value: f"{key.decode()} is bad" if value == b"bad" else None)
    assert report.problems == ["x0007 is bad", "x0507 is bad", "x1007 is bad"]
    assert not report.is_sound


def test_no_more_than_a_thousand_problems_are_kept_and_all_are_counted(any_store: Store) -> None:
    with any_store.write() as txn:
        for number in range(1500):
            txn.put(b"x%04d" % number, b"")
    report = check(any_store, lambda key, _: repr(key))
    assert report.problem_count == 1501
    assert len(report.problems) == 1000


def test_missing_marker_is_found(any_store: Store) -> None:
    with any_store.write() as txn:
        txn.delete(FORMAT_KEY)
    assert "another program" in check(any_store).problems[0]
    with any_store.write() as txn:
        txn.put(FORMAT_KEY, b"llmspell 1")


class Liar(MemoryRead):
    """A transaction whose ways to read do not agree."""

    def get(self, key: bytes) -> bytes | None:
        return b"other" if key == b"x2" else super().get(key)

    def scan(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> Iterator[tuple[bytes, bytes]]:
        pairs = list(super().scan(start, end, reverse=reverse))
        return iter([*pairs[1:], pairs[0]])

    def scan_keys(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> Iterator[bytes]:
        return iter(list(super().scan_keys(start, end, reverse=reverse))[1:])


def test_ways_to_read_that_disagree_are_found() -> None:
    class LyingStore(MemoryStore):
        def read(self) -> MemoryRead:
            return Liar(self)

    with LyingStore() as store:
        with store.write() as txn:
            txn.put(b"x1", b"1")
            txn.put(b"x2", b"2")
        assert check(store).problems == [
            "the key b'x2' has another value when it is looked up than when it is scanned",
            "the key b'm/format' is out of order, empty or too long",
            "reading the keys backwards does not give the keys that reading them forwards gives",
        ]


def test_error_while_reading_is_a_problem() -> None:
    class BrokenStore(MemoryStore):
        def read(self) -> MemoryRead:
            raise Corrupt("a page is damaged")

    with BrokenStore() as store:
        assert check(store).problems == ["a page is damaged"]


@pytest.mark.parametrize("read_only", [False, True])
def test_damaged_structure_is_not_read_through_the_engine(path: Path, read_only: bool) -> None:
    """LMDB would end the process at such a page."""
    with LmdbStore(path) as store, store.write() as txn:
        for number in range(2000):
            txn.put(b"x%04d" % number, bytes(50))
    content = bytearray((path / "data.mdb").read_bytes())
    leaf = next(
        page
        for page in range(2, len(content) // PAGE)
        if content[page * PAGE + 10] == 0x02 and b"x1000" in content[page * PAGE : page * PAGE + PAGE]
    )
    content[leaf * PAGE : leaf * PAGE + PAGE] = bytes(PAGE)
    (path / "data.mdb").write_bytes(content)
    with LmdbStore(path, read_only=read_only) as store:
        report = check(store)
        assert any(f"page {leaf} is damaged" in problem for problem in report.problems)
        assert report.entries == 0
