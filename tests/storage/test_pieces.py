"""Values of some thousand bytes: cut into pieces by LMDB, which nobody can see but by the room they take."""

from pathlib import Path
from random import Random

import pytest

from llmspell.errors import Corrupt
from llmspell.storage import pieces
from llmspell.storage.check import check
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.pieces import MARK, PIECE_BYTES
from llmspell.storage.store import Store

SIZES = (
    0,
    1,
    1900,
    PIECE_BYTES,
    PIECE_BYTES + 1,
    2100,
    3000,
    3021,
    3022,
    4040,
    4042,
    4500,
    6100,
    8100,
    8176,
    8177,
    20_000,
)


def entries(store: LmdbStore) -> int:
    count = store.info()["entries"]
    assert isinstance(count, int)
    return count


@pytest.mark.parametrize("begins", [b"", MARK, MARK[:2]], ids=["plain", "like a head", "almost"])
def test_every_size_comes_back_as_it_was_put(store: Store, begins: bytes) -> None:
    random = Random(1)
    wanted = {}
    for number, size in enumerate(SIZES):
        for key in (b"k%d" % number, b"k%d" % number + b"x" * 490):
            wanted[key] = begins + random.randbytes(size)
            with store.write() as txn:
                txn.put(key, wanted[key])
                assert txn.get(key) == wanted[key]
    with store.read() as txn:
        assert {key: value for key, value in txn.scan(b"k") if key in wanted} == wanted
        assert dict(txn.scan(b"k", reverse=True)) == dict(txn.scan(b"k"))
        assert list(txn.scan_keys(b"k", b"l")) == sorted(wanted)
    assert all(store.get(key) == value for key, value in wanted.items())


def test_what_replaces_a_value_takes_its_pieces_along(path: Path) -> None:
    random = Random(2)
    with LmdbStore(path, sync=False) as store:
        wanted: dict[bytes, bytes] = {}
        for _ in range(2000):
            key = b"k%d" % random.randrange(20)
            with store.write() as txn:
                if random.random() < 0.2:
                    assert txn.delete(key) == (key in wanted)
                    wanted.pop(key, None)
                else:
                    wanted[key] = random.randbytes(random.choice(SIZES))
                    txn.put(key, wanted[key])
        with store.read() as txn:
            assert dict(txn.scan(b"k", b"l")) == wanted
        with store.write() as txn:
            for key in wanted:
                txn.delete(key)
        assert entries(store) <= 3  # the format, and at most two of the back end's own
    assert check(LmdbStore(path)).problems == []


def test_an_undone_part_brings_the_pieces_back(path: Path) -> None:
    with LmdbStore(path, sync=False) as store, store.write() as txn:
        txn.put(b"k", b"a" * 2100)
        with pytest.raises(ZeroDivisionError), txn.savepoint():
            txn.put(b"k", b"b" * 2200)
            raise ZeroDivisionError
        assert txn.get(b"k") == b"a" * 2100


def test_they_take_less_room_than_pages_of_their_own(path: Path) -> None:
    random = Random(3)
    with LmdbStore(path, sync=False) as store:
        for number in range(400):
            with store.write() as txn:
                txn.put(b"k%04d" % number, random.randbytes(2100))
        used = store.info()["bytes_used"]
        assert isinstance(used, int)
        assert used < 400 * 2100 * 1.2


def test_a_lost_piece_is_told(path: Path) -> None:
    with LmdbStore(path, sync=False) as store:
        with store.write() as txn:
            txn.put(b"k", b"a" * 2100)
        with store.write() as txn:
            txn._txn.delete(pieces.key_of(pieces.FILLER + 1))
        with pytest.raises(Corrupt):
            store.get(b"k")
        assert any("piece" in problem for problem in check(store).problems)


def test_a_damaged_head_leads_to_nobody_elses_pieces(path: Path) -> None:
    with LmdbStore(path, sync=False) as store:
        with store.write() as txn:
            txn.put(b"a", b"a" * 2100)
            txn.put(b"b", b"b" * 2100)
            head = bytearray(txn._txn.get(b"a") or b"")
            head[len(MARK) + 8] += 1  # the number of the piece of the other value
            txn._txn.put(b"a", bytes(head))
        report = check(store, lambda key, _: f"{key!r} was looked at")
        assert report.problems == ["b'a' was looked at", "b'b' was looked at", "b'm/format' was looked at"]
        assert check(store).problems == ["what leads to the pieces of the value under b'a' is damaged"]
        with pytest.raises(Corrupt, match="b'a'"):
            store.get(b"a")
        with store.write() as txn:
            txn.put(b"a", b"new")
        assert (store.get(b"a"), store.get(b"b")) == (b"new", b"b" * 2100)
        assert check(store).problems == []


def test_the_back_ends_own_keys_are_refused(store: Store) -> None:
    for key in (b"\xff", b"\xff\0", b"\xff" * 511):
        with store.write() as txn:
            with pytest.raises(ValueError, match="0xff"):
                txn.put(key, b"")
            assert not txn.delete(key)
