"""A full disk, at every point where one can be met: an error with its code, nothing lost, and a store that goes on."""

from pathlib import Path

import pytest

from llmspell.errors import StorageError, StorageFull
from llmspell.storage.lmdb import LmdbStore
from tests.storage.child import run


def test_full_map_undoes_the_transaction_alone(path: Path) -> None:
    with LmdbStore(path, map_size=1 << 20, sync=False) as store:
        with store.write() as txn:
            txn.put(b"x1", b"before")
        with pytest.raises(StorageFull, match="memory map"), store.write() as txn:
            for number in range(1000):
                txn.put(b"y%d" % number, bytes(3000))
        assert store.get(b"y0") is None
        with store.write() as txn:
            txn.put(b"x2", b"after")
        with store.read() as reader:
            assert dict(reader.scan(b"x", b"z")) == {b"x1": b"before", b"x2": b"after"}
        assert store.verify() == []


def test_full_map_that_was_caught_still_undoes_everything(path: Path) -> None:
    """A block cannot swallow it: what it has already put would be half of a transaction."""
    with LmdbStore(path, map_size=1 << 20, sync=False) as store:
        with pytest.raises(StorageFull), store.write() as txn:
            txn.put(b"x1", b"half")
            with pytest.raises(StorageFull):
                txn.put(b"x2", bytes(5_000_000))
            with pytest.raises(StorageError):
                txn.put(b"x3", b"more")
        assert store.get(b"x1") is None
        with store.write() as txn:
            txn.put(b"x1", b"whole")
        assert store.get(b"x1") == b"whole"


def test_full_map_in_a_savepoint_leaves_what_is_around_it(path: Path) -> None:
    with LmdbStore(path, map_size=1 << 20, sync=False) as store:
        with store.write() as txn:
            txn.put(b"x1", b"before")
            with pytest.raises(StorageFull), txn.savepoint():
                txn.put(b"x2", b"inside")
                txn.put(b"x3", bytes(5_000_000))
            with pytest.raises(StorageFull), txn.savepoint(), pytest.raises(StorageFull):
                txn.put(b"x4", bytes(5_000_000))
            txn.put(b"x5", b"after")
        with store.read() as reader:
            assert [key for key, _ in reader.scan(b"x", b"y")] == [b"x1", b"x5"]
        assert store.verify() == []


FAIL_IN_TURN = """
import resource
size = int(sys.argv[2])
store = LmdbStore(path)
acknowledged = {}
with store.write() as txn:
    for number in range(30):
        txn.put(b"x%02d" % number, bytes(500))
        acknowledged[b"x%02d" % number] = bytes(500)
start = os.path.getsize(os.path.join(path, "data.mdb"))
failures = 0
# The limit cuts off the file at every half page that the transaction would write.
for limit in range(start, start + 200_000, 2048):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        with store.write() as txn:
            for number in range(10):
                txn.put(b"y%02d-%d" % (number, limit), bytes(size))
            txn.delete(b"x00")
    except StorageFull as error:
        failures += 1
        assert error.code == "storage_full"
        assert path in error.message, error.message
    else:
        break
    with store.read() as txn:
        assert dict(txn.scan(b"x", b"z")) == acknowledged
    assert store.verify() == []
    # With room again, the same open store goes on.
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with store.write() as txn:
        txn.put(b"x01", b"%d" % limit)
    acknowledged[b"x01"] = b"%d" % limit
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
with store.write() as txn:
    txn.put(b"x02", b"after")
acknowledged[b"x02"] = b"after"
with store.read() as txn:
    got = dict(txn.scan(b"x", b"z"))
    assert {key: got.get(key) for key in acknowledged if key != b"x00"} == {
        key: value for key, value in acknowledged.items() if key != b"x00"
    }
assert sorted(os.listdir(path)) == ["data.mdb", "lock.mdb", "writer.lock"], os.listdir(path)
store.close()
with LmdbStore(path) as store:
    assert check(store).problems == []
print(failures)
"""


@pytest.mark.parametrize("size", [100, 1500, 9000])
def test_every_write_that_fails_in_turn_loses_nothing(path: Path, size: int) -> None:
    assert int(run(FAIL_IN_TURN, path, size)) >= (1 if size == 100 else 4)


def test_disk_that_is_full_from_the_start_is_an_error(path: Path) -> None:
    output = run(
        """
import resource
for limit in (0, 4096, 8192, 20_000, 65_000, 70_000, 140_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        LmdbStore(path).close()
        print("made")
    except StorageFull as error:
        assert path in error.message
        print("full")
    assert not os.path.exists(os.path.join(path, "data.mdb")) or os.path.getsize(os.path.join(path, "data.mdb")) > 8192
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
with LmdbStore(path) as store:
    assert check(store).problems == []
""",
        path,
    ).split()
    assert output[0] == "full"
    assert output[-1] == "made"


FULL_WHILE_GROUPED = """
import resource
store = GroupedStore(LmdbStore(path), 60_000)
with store.write() as txn:
    txn.put(b"x1", b"on disk")
store.sync()
size = os.path.getsize(os.path.join(path, "data.mdb"))
with store.write() as txn:
    txn.put(b"x2", bytes(100_000))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
for attempt in range(2):
    try:
        store.sync()
        raise SystemExit("the sync said nothing")
    except StorageFull:
        pass
    # What was acknowledged is still there to be read, and nothing new is taken.
    assert store.get(b"x2") == bytes(100_000)
    try:
        with store.write() as txn:
            txn.put(b"x3", b"refused")
        raise SystemExit("the write was taken")
    except StorageFull:
        pass
    with store.read() as txn:
        assert [key for key, _ in txn.scan(b"x", b"y")] == [b"x1", b"x2"]
    assert store.base.get(b"x2") is None
if sys.argv[2] == "freed":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with store.write() as txn:
        txn.put(b"x3", b"taken")
    store.close()
    with LmdbStore(path) as store:
        assert store.get(b"x2") == bytes(100_000)
        assert store.get(b"x3") == b"taken"
else:
    try:
        store.close()
        raise SystemExit("closing said nothing")
    except StorageFull as error:
        assert "1 changes of the last 60000 ms were not saved" in error.message, error.message
    with LmdbStore(path) as store:
        assert store.get(b"x1") == b"on disk"
        assert store.get(b"x2") is None
"""


@pytest.mark.parametrize("outcome", ["freed", "full for ever"])
def test_grouped_store_on_a_full_disk_loses_nothing_in_silence(path: Path, outcome: str) -> None:
    run(FULL_WHILE_GROUPED, path, outcome)
