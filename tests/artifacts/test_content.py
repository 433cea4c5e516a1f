"""Contents: every byte is verified, references are exact, nothing that is needed goes, nothing that is not stays."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell.artifacts import check, layout
from llmspell.artifacts.layout import PIECE_BYTES
from llmspell.artifacts.upload import BATCH_PIECES
from llmspell.errors import Corrupt, LlmspellError, StorageError
from llmspell.storage import owner
from llmspell.storage.memory import MemoryStore
from tests.artifacts.conftest import Place, problems


@pytest.fixture
def memory() -> Place:
    return Place(MemoryStore())


def keys(place: Place, start: bytes) -> list[bytes]:
    with place.store.read() as txn:
        return list(txn.scan_keys(start, layout.keys.next_space(start) if len(start) == 1 else start + b"\xff" * 60))


@pytest.mark.parametrize("data", ["a small content", "compressed " * 2000, b"\xff" * 10])
def test_every_flipped_byte_is_found_when_it_is_read(memory: Place, data: str | bytes) -> None:
    made = memory.artifacts.store(memory.id, "t", "n", data)
    entries = [*keys(memory, b"B"), *keys(memory, b"Ac"), *keys(memory, b"Aa")]
    assert len(entries) == 3
    with memory.store.read() as txn:
        stored = {key: txn.get(key) for key in entries}
    for key, value in stored.items():
        assert value is not None
        for position in range(len(value)):
            for bit in (1, 128):
                broken = bytearray(value)
                broken[position] ^= bit
                with memory.store.write() as txn:
                    txn.put(key, bytes(broken))
                with pytest.raises((Corrupt, StorageError)):
                    memory.artifacts.read(memory.id, made)
                assert check.examine(key, bytes(broken)) is not None
        with memory.store.write() as txn:
            txn.put(key, value)
    assert memory.artifacts.read(memory.id, made) == data
    assert memory.artifacts.verify().problems == []


def test_damage_in_a_large_content_is_found_wherever_it_is(memory: Place) -> None:
    data = os.urandom(5 * PIECE_BYTES + 100)
    made = memory.artifacts.store(memory.id, "t", "n", data)
    for key in keys(memory, b"B"):
        with memory.store.write() as txn:
            value = txn.get(key)
            assert value is not None
            middle = len(value) // 2
            txn.put(key, value[:middle] + bytes([value[middle] ^ 4]) + value[middle + 1 :])
        with pytest.raises(Corrupt):
            memory.artifacts.read(memory.id, made)
        assert len(memory.artifacts.verify().problems) == 1
        with memory.store.write() as txn:
            txn.put(key, value)
    assert memory.artifacts.read(memory.id, made) == data


def test_bytes_that_are_gone_and_references_that_are_wrong_are_told(memory: Place) -> None:
    memory.artifacts.store(memory.id, "t", "n", os.urandom(3 * PIECE_BYTES))
    for key in [
        *keys(memory, b"B"),
        *keys(memory, b"Ac"),
        *keys(memory, b"Ai"),
        *keys(memory, b"An"),
        *keys(memory, b"Ak"),
    ]:
        with memory.store.write() as txn:
            value = txn.get(key)
            assert value is not None
            txn.delete(key)
        assert memory.artifacts.verify().problems != [], key
        with memory.store.write() as txn:
            txn.put(key, value)
    assert memory.artifacts.verify().problems == []


def test_contents_are_stored_once(place: Place) -> None:
    other = place.sessions.create()
    data = os.urandom(4 * PIECE_BYTES)
    place.artifacts.store(place.id, "t", "a", data)
    before = len(keys(place, b"B"))
    place.artifacts.store(other, "t", "b", data)
    assert len(keys(place, b"B")) == before
    # One that begins alike shares the beginning, and costs its end and its list.
    place.artifacts.store(other, "t", "b", data + b"more")
    assert len(keys(place, b"B")) == before + 2
    assert place.artifacts.stats(other).shared_bytes == 8 * PIECE_BYTES
    # What is the same within one content, too.
    zeros = place.artifacts.store(other, "t", "zeros", bytes(10 * PIECE_BYTES))
    assert len(keys(place, b"B")) == before + 4
    assert place.artifacts.read(other, zeros) == bytes(10 * PIECE_BYTES)
    place.sessions.delete(place.id, force=True)
    place.artifacts.collect()
    assert place.artifacts.read(other, "b") == data + b"more"


def test_a_collection_takes_exactly_what_a_dry_run_says(place: Place) -> None:
    shared = os.urandom(2 * PIECE_BYTES)
    first = place.artifacts.store(place.id, "t", "a", shared + b"one" * 1000)
    second = place.artifacts.store(place.id, "t", "b", shared + b"two" * 1000)
    assert place.artifacts.collect(dry_run=True).pieces == 0
    place.artifacts.delete(place.id, first)
    foreseen = place.artifacts.collect(dry_run=True)
    assert foreseen.pieces == 1  # the beginning is still needed
    done = place.artifacts.collect()
    assert (done.pieces, done.bytes, done.uploads) == (foreseen.pieces, foreseen.bytes, foreseen.uploads)
    assert place.artifacts.read(place.id, second) == shared + b"two" * 1000
    place.artifacts.delete(place.id, second)
    foreseen = place.artifacts.collect(dry_run=True)
    assert (foreseen.pieces, place.artifacts.collect().pieces) == (3, 3)
    assert keys(place, b"B") == keys(place, b"Ac") == []


UPLOAD = """
import os, sys, time
from llmspell import Artifacts, Sessions, StateManager
state = StateManager.with_backend("lmdb", path=sys.argv[1])
sessions = Sessions(state, state)
artifacts = Artifacts(sessions)
def blocks():
    for number in range(20):
        yield bytes([number]) * (1 << 20)
    print("waiting", flush=True)
    time.sleep(60)
artifacts.store_stream(sys.argv[2], "t", "n", blocks())
"""


def test_an_upload_is_kept_while_its_process_lives_and_given_back_when_it_has_died(tmp_path: Path) -> None:
    from llmspell.storage.lmdb import LmdbStore

    place = Place(LmdbStore(tmp_path / "store"))
    # Already there, and dropped by its only owner while the upload refers to it.
    place.artifacts.store(place.id, "t", "zeros", bytes(3 * PIECE_BYTES))
    command = [sys.executable, "-c", UPLOAD, str(tmp_path / "store"), place.id]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"waiting\n"
        before = len(keys(place, b"B"))
        place.artifacts.delete(place.id, "zeros")
        foreseen = place.artifacts.collect(dry_run=True)
        done = place.artifacts.collect()
        assert (foreseen.uploads, done.uploads, done.pieces) == (0, 0, foreseen.pieces)
        assert len(keys(place, b"B")) == before - 1  # the list of the one that was deleted; its pieces are held
        assert problems(place.store) == []
        process.kill()
    foreseen = place.artifacts.collect(dry_run=True)
    done = place.artifacts.collect()
    assert (foreseen.uploads, foreseen.pieces) == (done.uploads, done.pieces)
    assert done.uploads == 1
    assert keys(place, b"B") == keys(place, b"Au") == keys(place, b"Av") == []
    assert problems(place.store) == []
    place.store.close()


def test_an_upload_that_was_given_up_does_not_go_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def blocks() -> object:
        yield os.urandom(BATCH_PIECES * PIECE_BYTES)
        with monkeypatch.context() as patch:
            patch.setattr(owner, "is_alive", lambda *_: False)
            assert place.artifacts.collect().uploads == 1
        yield os.urandom(BATCH_PIECES * PIECE_BYTES)

    with pytest.raises(StorageError, match="given up"):
        place.artifacts.store_stream(place.id, "t", "n", blocks())  # type: ignore[arg-type]
    assert place.names() == []
    assert keys(place, b"B") == keys(place, b"Av") == []


def test_every_write_that_fails_leaves_everything_sound(tmp_path: Path) -> None:
    """A disk that is full at the first, the second, the third write, and so on, until all of it succeeds."""
    failing = 0
    while True:
        place = Place(MemoryStore())
        place.artifacts.store(place.id, "t", "old", b"x" * 5000)
        before = place.count()
        failing += 1
        place.store.write = Full(place.store.write, failing)  # type: ignore[method-assign]
        try:
            place.artifacts.store(place.id, "t", "new", os.urandom(PIECE_BYTES + 10), tags=["a"])
            place.artifacts.delete(place.id, "old")
        except LlmspellError:
            pass
        else:
            assert failing > 20
            return
        del place.store.write
        assert problems(place.store) == []
        assert place.count()[0] in (before[0], before[0] + 1)


class Full:
    """Write transactions of a store whose put number `failing` fails, counted over all of them."""

    def __init__(self, write: object, failing: int) -> None:
        self.write = write
        self.left = failing

    def __call__(self, **options: object) -> object:
        block = self.write(**options)  # type: ignore[operator]
        put = block.put

        def fail(key: bytes, value: bytes) -> None:
            self.left -= 1
            if self.left == 0:
                raise StorageError("the disk is full")
            put(key, value)

        return Wrapped(block, fail)


class Wrapped:
    def __init__(self, block: object, put: object) -> None:
        self._block = block
        self.put = put

    def __enter__(self) -> "Wrapped":
        self._block.__enter__()  # type: ignore[attr-defined]
        return self

    def __exit__(self, *ending: object) -> object:
        return self._block.__exit__(*ending)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        return getattr(self._block, name)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.sampled_from(["store", "delete", "collect", "upload"]), st.integers(0, 5), st.integers(1, 4)),
        max_size=30,
    )
)
def test_references_are_exact_whatever_is_done(steps: list[tuple[str, int, int]]) -> None:
    place = Place(MemoryStore())
    expected: list[bytes] = []
    ids: list[str] = []
    for step, seed, size in steps:
        data = bytes([250 + seed]) * (size * PIECE_BYTES // 2)
        if step == "store":
            ids.append(place.artifacts.store(place.id, "t", "n", data).id)
            expected.append(data)
        elif step == "upload":
            ids.append(place.artifacts.store_stream(place.id, "t", "n", [data[:100], data[100:]]).id)
            expected.append(data)
        elif step == "delete" and ids:
            place.artifacts.delete(place.id, ids.pop(seed % len(ids)))
            expected.pop(seed % len(expected))
        else:
            place.artifacts.collect()
        assert problems(place.store) == []
    assert [place.artifacts.read(place.id, each) for each in ids] == expected
