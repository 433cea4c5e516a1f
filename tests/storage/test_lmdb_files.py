"""What opening a folder does: it makes a store, finds ours, and refuses everything else without touching it."""

import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import lmdb
import pytest

from llmspell.errors import Corrupt, LlmspellError, ReadOnly, StorageBusy, StorageError
from llmspell.storage import environment
from llmspell.storage.format import FORMAT_KEY
from llmspell.storage.lmdb import LmdbStore, verify_files
from tests.storage.child import run

PAGE = os.sysconf("SC_PAGE_SIZE")


def make(path: Path, pages: int = 40) -> bytes:
    """A store with some hundred keys and long values in it; gives the bytes of its file."""
    with LmdbStore(path, sync=False) as store:
        for turn in range(4):
            with store.write() as txn:
                for number in range(turn, pages * 10, turn + 1):
                    txn.put(b"x%04d" % number, b"%d" % number * (2000 if number % 40 == 0 else 20))
    return (path / "data.mdb").read_bytes()


def overwrite(path: Path, content: bytes) -> None:
    (path / "data.mdb").write_bytes(content)
    (path / "lock.mdb").unlink(missing_ok=True)


def test_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    with LmdbStore(tmp_path / "a" / "b" / "c") as store, store.write() as txn:
        txn.put(b"x1", b"1")
    with LmdbStore(str(tmp_path / "a" / "b" / "c")) as store:
        assert store.get(b"x1") == b"1"


def test_files_are_for_their_owner_alone(path: Path) -> None:
    with LmdbStore(path) as store, store.write():
        modes = {name: stat.S_IMODE((path / name).stat().st_mode) for name in os.listdir(path)}
    assert modes == {"data.mdb": 0o600, "lock.mdb": 0o600, "writer.lock": 0o600}


def test_store_that_is_killed_while_it_is_made_is_made_by_the_next(path: Path) -> None:
    path.mkdir()
    (path / "data.mdb.new").write_bytes(b"half of a file")
    with LmdbStore(path) as store:
        assert store.info()["entries"] == 1
    assert not (path / "data.mdb.new").exists()


def test_relative_path_survives_a_change_of_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with LmdbStore("store") as store:
        monkeypatch.chdir(tmp_path / "elsewhere")
        with LmdbStore("../store") as same, same.write() as txn:
            txn.put(b"x1", b"1")
        assert store.get(b"x1") == b"1"
        assert store.path == str(tmp_path / "store")


def test_stores_of_one_process_share_the_file(path: Path) -> None:
    first = LmdbStore(path)
    with LmdbStore(path.parent / "." / "store") as second:
        with second.write() as txn:
            txn.put(b"x1", b"1")
        assert first.get(b"x1") == b"1"
    with first.write() as txn:
        txn.put(b"x2", b"2")
    first.close()
    with LmdbStore(path) as third:
        assert third.get(b"x2") == b"2"


def test_folder_that_was_removed_and_made_again_is_a_new_store(path: Path) -> None:
    with LmdbStore(path) as old:
        with old.write() as txn:
            txn.put(b"x1", b"old")
        shutil.rmtree(path)
        with LmdbStore(path) as new:
            assert new.get(b"x1") is None
            with new.write() as txn:
                txn.put(b"x1", b"new")
        assert old.get(b"x1") == b"old"


def test_closing_waits_for_a_writer_of_another_thread(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LmdbStore(path)
    begun, enough = threading.Event(), threading.Event()

    def write() -> None:
        with store.write() as txn:
            txn.put(b"x1", b"1")
            begun.set()
            enough.wait()

    thread = threading.Thread(target=write)
    thread.start()
    begun.wait()
    with monkeypatch.context() as patch:
        patch.setattr(environment, "CLOSING_SECONDS", 0.05)
        with pytest.raises(StorageBusy):
            store.close()
    assert store.get(b"x1") is None
    threading.Timer(0.1, enough.set).start()
    store.close()
    thread.join()
    with LmdbStore(path) as again:
        assert again.get(b"x1") == b"1"


def test_closing_undoes_the_transactions_of_its_own_thread(path: Path) -> None:
    store = LmdbStore(path)
    with store.read() as reader:
        with pytest.raises(StorageError), store.write() as txn:
            txn.put(b"x1", b"1")
            store.close()
            with pytest.raises(StorageError):
                txn.put(b"x2", b"2")
        with pytest.raises(StorageError):
            reader.get(b"x1")
    with LmdbStore(path) as again, again.write(timeout=1) as txn:
        assert txn.get(b"x1") is None


def test_reading_only_changes_nothing(path: Path) -> None:
    content = make(path)
    with LmdbStore(path, read_only=True) as store:
        assert store.get(b"x0001") == b"1" * 20
        with pytest.raises(ReadOnly, match="reading only"):
            store.write()
        # Another object may still write, and the one that reads sees it.
        with LmdbStore(path) as writer, writer.write() as txn:
            txn.put(b"x0001", b"changed")
        assert store.get(b"x0001") == b"changed"
        with pytest.raises(ReadOnly):
            store.write()
    assert (path / "data.mdb").read_bytes() != content


def test_reading_only_makes_no_store(path: Path) -> None:
    with pytest.raises(StorageError, match="there is no store at"):
        LmdbStore(path, read_only=True)
    assert not path.exists()


def test_small_map_is_taken_where_a_large_one_is_refused(path: Path) -> None:
    run(
        """
import resource
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
with LmdbStore(path) as store:
    with store.write() as txn:
        txn.put(b"x1", bytes(100_000))
    assert store.get(b"x1") == bytes(100_000)
    assert 0 < store.info()["map_size"] < 8 << 30, store.info()
""",
        path,
    )


def refusals() -> Iterator[tuple[str, Callable[[Path], object], type[LlmspellError], str]]:
    """What may be found in the place of a store."""

    def foreign(path: Path, **options: object) -> None:
        with lmdb.open(str(path), **options) as env, env.begin(write=True) as txn:  # type: ignore[arg-type]
            txn.put(b"some", b"data")

    def marked(marker: bytes) -> Callable[[Path], None]:
        def change(path: Path) -> None:
            with LmdbStore(path) as store, store.write() as txn:
                txn.put(FORMAT_KEY, marker)

        return change

    def data(content: bytes) -> Callable[[Path], None]:
        def write(path: Path) -> None:
            path.mkdir()
            (path / "data.mdb").write_bytes(content)

        return write

    yield "a file", lambda path: path.write_bytes(b""), StorageError, "is a file; a store needs a folder"
    yield "a folder as data file", lambda path: (path / "data.mdb").mkdir(parents=True), StorageError, "data.mdb"
    yield "a dangling link", lambda path: (path.mkdir(), (path / "data.mdb").symlink_to("no")), StorageError, "no store"
    yield "an empty file", data(b""), Corrupt, "is empty: it was cut off"
    yield "zeros", data(bytes(8192)), StorageError, "is not an LMDB file"
    yield "few zeros", data(bytes(100)), Corrupt, "was cut off"
    yield "text", data(b"hello" * 5000), StorageError, "is not an LMDB file"
    yield "a short text", data(b"hello"), StorageError, "is not an LMDB file"
    yield "noise", data(Random(1).randbytes(100_000)), StorageError, "is not an LMDB file"
    yield "a file of another program", foreign, StorageError, "the data of another program"
    yield "LMDB 1.0", lambda path: foreign(path, lib_version=1), StorageError, "is not an LMDB file of this kind"
    yield "an empty LMDB file", lambda path: lmdb.open(str(path)).close(), StorageError, "the data of another program"
    yield "a later format", marked(b"llmspell 2"), StorageError, "has the store format 2, which a later version"
    yield "a damaged marker", marked(b"llmspel"), Corrupt, "format marker .* is damaged"


@pytest.mark.parametrize(
    ("prepare", "kind", "message"), [entry[1:] for entry in refusals()], ids=[entry[0] for entry in refusals()]
)
@pytest.mark.parametrize("read_only", [False, True], ids=["to write", "to read"])
def test_what_is_not_our_store_is_refused_and_left_alone(
    path: Path, prepare: Callable[[Path], object], kind: type[LlmspellError], message: str, read_only: bool
) -> None:
    prepare(path)
    before = path.read_bytes() if path.is_file() else sorted((path / "data.mdb").parent.iterdir())
    content = (path / "data.mdb").read_bytes() if (path / "data.mdb").is_file() else None
    if read_only and path.is_file():
        message = "there is no store"
    for _ in range(2):
        with pytest.raises(kind, match=message) as caught:
            LmdbStore(path, read_only=read_only)
        assert str(path) in str(caught.value)
    if content is None:
        assert path.is_file() or before == sorted(path.iterdir())
    else:
        assert (path / "data.mdb").read_bytes() == content


def test_parent_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"file is a file"):
        LmdbStore(tmp_path / "file" / "store")


def test_file_that_was_cut_off_is_never_an_empty_store(path: Path) -> None:
    """At every length: an error, or a store with everything in it, because only free pages are missing."""
    content = make(path)
    lengths = {*range(0, len(content), PAGE), *range(1, 9000, 331), *Random(2).choices(range(len(content)), k=40)}
    refused = 0
    for length in sorted(lengths):
        overwrite(path, content[:length])
        outcome = run_open(path)
        assert outcome in ("refused", "whole"), length
        refused += outcome == "refused"
    assert refused > len(lengths) * 0.9


def run_open(path: Path) -> str:
    """What opening and reading a store gives; the process would not survive a page that is not there."""
    try:
        with LmdbStore(path) as store, store.read() as txn:
            return "whole" if len(list(txn.scan(b"x", b"y"))) == 400 else "incomplete"
    except (Corrupt, StorageError):
        return "refused"


def test_file_that_lacks_free_pages_alone_is_whole(path: Path) -> None:
    """LMDB does not write pages that were taken and given back in one transaction."""
    make(path)
    with LmdbStore(path, sync=False) as store:
        for size in (100_000, 3_000_000):
            with store.write() as txn:
                txn.put(b"y", bytes(size))
                txn.delete(b"y")
            used = store.info()["bytes_used"]
            assert isinstance(used, int)
            assert (path / "data.mdb").stat().st_size < used
    assert verify_files(path) == []
    with LmdbStore(path, sync=False) as store:
        with store.write() as txn:
            txn.put(b"y", bytes(200_000))
        assert store.get(b"y") == bytes(200_000)
        assert store.verify() == []


def test_damage_of_a_page_never_goes_unseen(path: Path) -> None:
    """Every page, destroyed in turn: the check finds it without the help of LMDB, unless the page is free."""
    content = make(path)
    found = 0
    for page in range(len(content) // PAGE):
        for replacement in (bytes(PAGE), Random(page).randbytes(PAGE)):
            overwrite(path, content[: page * PAGE] + replacement + content[(page + 1) * PAGE :])
            problems = verify_files(path)
            found += bool(problems)
            if not problems:
                # The page is free, or the inside of a long value, where a record's own checksum finds it.
                with LmdbStore(path) as store, store.read() as txn:
                    assert len(list(txn.scan(b"x", b"y"))) == 400
    assert found > len(content) // PAGE // 3


def test_verifying_nonsense_ends_and_does_not_raise(path: Path) -> None:
    content = make(path)
    random = Random(3)
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(random.choice([1, 3, 20])):
            page = random.randrange(len(content) // PAGE)
            damaged[page * PAGE + random.randrange(random.choice([16, 200, PAGE]))] = random.randrange(256)
        overwrite(path, bytes(damaged))
        assert isinstance(verify_files(path), list)


@pytest.mark.parametrize(
    ("name", "mode"), [(".", 0o500), (".", 0o000), ("data.mdb", 0o000), ("data.mdb", 0o400), ("lock.mdb", 0o000)]
)
def test_missing_permission_names_the_path(name: str, mode: int) -> None:
    """As a user who is not root, whom no permission stops."""
    # Not in tmp_path, which other users cannot reach.
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o777)
        output = run(
            f"""
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
fresh = {name == "." and mode == 0o500}
if fresh:
    os.mkdir(path)
else:
    LmdbStore(path).close()
os.chmod(os.path.join(path, {name!r}), {mode})
try:
    LmdbStore(path)
except StorageError as error:
    print(error.code, error.message)
os.chmod(path, 0o700)
""",
            folder / "store",
        )
        assert output.startswith("storage ")
        assert str(folder / "store") in output
        assert "ermission" in output
    finally:
        shutil.rmtree(folder)
