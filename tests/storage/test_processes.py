"""Several processes on one store: what they see, how long they wait, what a fork leaves, and what a kill leaves."""

import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from llmspell.errors import StorageBusy
from llmspell.storage.check import check
from llmspell.storage.grouped import GroupedStore
from llmspell.storage.lmdb import LmdbStore
from tests.storage.child import run, start

COUNT = """
store = LmdbStore(path, sync=False)
if sys.argv[2] == "grouped":
    store = GroupedStore(store, 50)
worst = 0.0
with store:
    for _ in range(int(sys.argv[3])):
        began = time.monotonic()
        with store.write(timeout=60) as txn:
            txn.put(b"x1", b"%d" % (int(txn.get(b"x1") or b"0") + 1))
            txn.put(b"x%d" % os.getpid(), txn.get(b"x1"))
        worst = max(worst, time.monotonic() - began)
print(worst)
"""


def line(process: "subprocess.Popen[bytes]") -> str:
    """The next line of its output."""
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


@pytest.mark.parametrize("kind", ["plain", "grouped"])
def test_processes_never_lose_an_update(path: Path, kind: str) -> None:
    processes = [start(COUNT, path, kind, 200) for _ in range(4)]
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    with LmdbStore(path) as store:
        assert store.get(b"x1") == b"800"
        assert check(store).problems == []


def test_writers_take_turns(path: Path) -> None:
    """With eight processes that do nothing but write, every one gets its turn."""
    with LmdbStore(path) as store:
        processes = [start(COUNT, path, "plain", 150) for _ in range(8)]
        longest = max(float(process.communicate()[0]) for process in processes)
        assert store.get(b"x1") == b"1200"
    assert longest < 0.5


def test_change_of_another_process_is_seen_and_raises_the_generation(path: Path) -> None:
    with LmdbStore(path) as store, store.read() as before:
        generation = store.generation()
        run("with LmdbStore(path) as store, store.write() as txn: txn.put(b'x1', b'other')", path)
        assert before.get(b"x1") is None
        assert store.get(b"x1") == b"other"
        assert store.generation() > generation


def test_waiting_for_another_process_has_a_limit(path: Path) -> None:
    holder = start(
        """
with LmdbStore(path) as store, store.write() as txn:
    txn.put(b"x1", b"first")
    print("held", flush=True)
    sys.stdin.readline()
""",
        path,
    )
    assert line(holder) == "held"
    with LmdbStore(path) as store:
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(StorageBusy, match=r"0\.2 seconds"), store.write(timeout=0.2):
                pytest.fail("it got the turn")
            assert 0.2 <= time.monotonic() - began < 5
        assert store.get(b"x1") is None
        # Who gave up does not keep the turn when it comes, and waiting again gets it.
        waiting = threading.Timer(0.2, holder.communicate)
        waiting.start()
        with store.write(timeout=30) as txn:
            assert txn.get(b"x1") == b"first"
            txn.put(b"x2", b"second")
        waiting.join()
        assert run("print(LmdbStore(path).write(timeout=10).__enter__().get(b'x2'))", path) == "b'second'\n"


def test_turn_that_nobody_waited_for_any_more_is_given_back(path: Path) -> None:
    hold = """
with LmdbStore(path) as store, store.write(timeout=30) as txn:
    print("held", flush=True)
    sys.stdin.readline()
"""
    holder = start(hold, path)
    assert line(holder) == "held"
    with LmdbStore(path) as store:
        with pytest.raises(StorageBusy), store.write(timeout=0.1):
            pytest.fail("it got the turn")
        holder.communicate()
        holder = start(hold, path)
        assert line(holder) == "held"
        holder.communicate()
        with store.write(timeout=30) as txn:
            txn.put(b"x1", b"1")


def test_interrupt_ends_the_waiting_and_leaves_nothing_locked(path: Path) -> None:
    holder = start(
        "with LmdbStore(path) as store, store.write() as txn: print('held', flush=True); sys.stdin.readline()", path
    )
    assert line(holder) == "held"
    for timeout in ("None", "60"):
        waiter = start(
            f"""
signal.signal(signal.SIGINT, signal.default_int_handler)
store = LmdbStore(path)
print("waiting", flush=True)
try:
    with store.write(timeout={timeout}):
        print("it got the turn")
except KeyboardInterrupt:
    print("interrupted", flush=True)
sys.stdin.readline()
with store.write(timeout=30) as txn:
    txn.put(b"x{timeout}", b"later")
""",
            path,
        )
        assert line(waiter) == "waiting"
        time.sleep(0.2)
        waiter.send_signal(signal.SIGINT)
        assert line(waiter) == "interrupted"
        if timeout == "60":
            holder.communicate()
        else:
            waiter.kill()
            waiter.communicate()
            continue
        with LmdbStore(path) as store, store.write(timeout=30) as txn:
            txn.put(b"x1", b"not kept from writing")
        waiter.communicate()
        assert waiter.returncode == 0
    with LmdbStore(path) as store:
        assert store.get(b"x60") == b"later"


def test_writer_that_is_killed_frees_the_turn_and_leaves_nothing(path: Path) -> None:
    holder = start(
        """
store = LmdbStore(path)
block = store.write()
txn = block.__enter__()
txn.put(b"x1", bytes(1_000_000))
print("held", flush=True)
sys.stdin.readline()
""",
        path,
    )
    assert line(holder) == "held"
    holder.kill()
    holder.communicate()
    with LmdbStore(path) as store:
        with store.write(timeout=10) as txn:
            assert txn.get(b"x1") is None
            txn.put(b"x2", b"2")
        assert check(store).problems == []


def test_reader_that_is_killed_does_not_keep_its_snapshot(path: Path) -> None:
    """Otherwise no page of that time could ever be used again, and the file would only grow."""
    with LmdbStore(path, sync=False) as store, store.write() as txn:
        txn.put(b"x1", bytes(500_000))
    reader = start(
        "txn = LmdbStore(path).read().__enter__(); print(len(txn.get(b'x1')), flush=True); sys.stdin.readline()", path
    )
    assert line(reader) == "500000"
    reader.kill()
    reader.communicate()
    with LmdbStore(path, sync=False) as store:
        for _ in range(20):
            with store.write() as txn:
                txn.put(b"x1", bytes(500_000))
        used = store.info()["bytes_used"]
        assert isinstance(used, int)
        assert used < 5 * 500_000


def test_forked_child_uses_the_store_when_no_transaction_was_open(path: Path) -> None:
    output = run(
        """
store = LmdbStore(path)
with store.write() as txn:
    txn.put(b"x1", b"parent")
child = os.fork()
if child == 0:
    assert store.get(b"x1") == b"parent"
    with store.write(timeout=10) as txn:
        txn.put(b"x2", b"child")
    store.close()
    with LmdbStore(path) as again:
        assert again.get(b"x2") == b"child"
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert store.get(b"x2") == b"child"
with store.write(timeout=10) as txn:
    txn.put(b"x3", b"parent again")
store.sync()
assert check(store).problems == []
store.close()
print("done")
""",
        path,
    )
    assert output == "done\n"


def test_forked_child_of_a_grouped_store_starts_from_what_was_written(path: Path) -> None:
    output = run(
        """
store = GroupedStore(LmdbStore(path), 60_000)
with store.write() as txn:
    txn.put(b"x1", b"parent")
child = os.fork()
if child == 0:
    assert store.get(b"x1") == b"parent"
    with store.write(timeout=10) as txn:
        txn.put(b"x2", b"child")
    store.close()
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert store.get(b"x2") == b"child"
store.close()
print("done")
""",
        path,
    )
    assert output == "done\n"


def test_forked_child_cannot_harm_a_transaction_of_its_parent(path: Path) -> None:
    output = run(
        """
store = LmdbStore(path)
with store.write() as txn:
    txn.put(b"x0", b"before")
status = None
try:
    with store.read() as reader, store.write() as txn:
        txn.put(b"x2", b"parent")
        child = os.fork()
        if child == 0:
            status = 3
            txn.put(b"x3", b"child")
            for use in (lambda: store.get(b"x0"), lambda: store.write().__enter__(), lambda: LmdbStore(path)):
                try:
                    use()
                    os._exit(4)
                except StorageError as error:
                    assert "forked" in error.message, error.message
            status = 7
except StorageError as error:
    # The child cannot commit what is its parent's.
    assert "forked" in error.message, error.message
if status is not None:
    os._exit(status)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
with store.write(timeout=10) as txn:
    txn.put(b"x4", b"after")
with store.read() as txn:
    print([key for key, _ in txn.scan(b"x", b"y")])
assert check(store).problems == []
""",
        path,
    )
    assert output == "[b'x0', b'x2', b'x4']\n"


def test_forked_child_that_exits_leaves_its_parent_at_work(path: Path) -> None:
    """Also when the child goes through the interpreter's own end, with everything that is destroyed there."""
    output = run(
        """
store = GroupedStore(LmdbStore(path), 60_000)
with store.write() as txn:
    txn.put(b"x1", b"1")
with store.read() as reader:
    assert reader.get(b"x1") == b"1"
    child = os.fork()
    if child == 0:
        sys.exit(0)
    os.waitpid(child, 0)
    with store.write(timeout=10) as txn:
        txn.put(b"x2", b"2")
    assert reader.get(b"x2") is None
store.close()
with LmdbStore(path) as store, store.read() as txn:
    print([key for key, _ in txn.scan(b"x", b"y")])
""",
        path,
    )
    assert output == "[b'x1', b'x2']\n"


COMMIT_FOR_EVER = """
store = LmdbStore(path) if sys.argv[2] == "plain" else GroupedStore(LmdbStore(path), 20)
number = int(store.get(b"y") or b"0")
while True:
    number += 1
    with store.write() as txn:
        txn.put(b"x%08d" % number, b"%d" % number * (number % 300))
        if number > 40:
            txn.delete(b"x%08d" % (number - 40))
        txn.put(b"y", b"%d" % number)
    if sys.argv[2] == "grouped" and number % 50 == 0:
        store.sync()
        os.write(1, b"synced %d\\n" % number)
    elif sys.argv[2] == "plain":
        os.write(1, b"synced %d\\n" % number)
"""


def kill_in_the_middle(path: Path, kind: str, rounds: int) -> None:
    """Everything that was acknowledged is there, nothing is there by half, and the next process goes on."""
    for turn in range(rounds):
        process = start(COMMIT_FOR_EVER, path, kind)
        acknowledged = line(process)
        time.sleep(0.001 * (turn * 7 % 40))
        process.kill()
        rest = process.communicate()[0].decode()
        complete = [text for text in [acknowledged, *rest.split("\n")[:-1]] if text]
        last = int(complete[-1].split()[1])
        with LmdbStore(path) as store:
            report = check(store)
            assert report.problems == []
            found = int(store.get(b"y") or b"0")
            assert found >= last
            with store.read() as txn:
                assert list(txn.scan(b"x", b"y")) == [
                    (b"x%08d" % number, b"%d" % number * (number % 300))
                    for number in range(max(1, found - 39), found + 1)
                ]


@pytest.mark.parametrize("kind", ["plain", "grouped"])
def test_process_that_is_killed_loses_nothing_that_it_acknowledged(path: Path, kind: str) -> None:
    kill_in_the_middle(path, kind, 5)


@pytest.mark.crash
@pytest.mark.parametrize("kind", ["plain", "grouped"])
def test_process_that_is_killed_a_hundred_times_loses_nothing(path: Path, kind: str) -> None:
    kill_in_the_middle(path, kind, 100)


def test_killed_grouped_store_loses_at_most_its_window(path: Path) -> None:
    """With windows of 100 ms, what was acknowledged 400 ms before the end is there, and half of a commit never is."""
    process = start(
        """
store = GroupedStore(LmdbStore(path), 100)
number = 0
while True:
    number += 1
    with store.write() as txn:
        txn.put(b"x1", b"%d" % number)
        txn.put(b"x2", b"%d" % number)
    os.write(1, b"%d %f\\n" % (number, time.monotonic()))
    time.sleep(0.002)
""",
        path,
    )
    time.sleep(1)
    process.kill()
    killed = time.monotonic()
    lines = [text.split() for text in process.communicate()[0].decode().split("\n")[:-1]]
    safe = max(int(number) for number, at in lines if float(at) < killed - 0.4)
    with LmdbStore(path) as store:
        assert int(store.get(b"x1") or b"0") >= safe > 10
        assert store.get(b"x1") == store.get(b"x2")


def test_program_that_forgets_to_close_a_grouped_store_keeps_its_changes(path: Path) -> None:
    run(
        """
store = GroupedStore(LmdbStore(path), 60_000)
with store.write() as txn:
    txn.put(b"x1", b"1")
""",
        path,
    )
    with LmdbStore(path) as store:
        assert store.get(b"x1") == b"1"


def test_window_ends_when_another_process_waits(path: Path) -> None:
    with GroupedStore(LmdbStore(path), 60_000) as store:
        with store.write() as txn:
            txn.put(b"x1", b"grouped")
        began = time.monotonic()
        run(
            "with LmdbStore(path) as store, store.write(timeout=30) as txn: assert txn.get(b'x1'); txn.put(b'x2', b'2')",
            path,
        )
        assert time.monotonic() - began < 10
        assert store.get(b"x2") == b"2"
