"""Many threads and many processes on one state."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from llmspell import values
from llmspell.errors import Conflict, StorageBusy
from llmspell.state.manager import StateManager
from llmspell.storage.lmdb import LmdbStore
from tests.state.conftest import problems

ROOT = Path(__file__).parents[2]
Make = Callable[..., StateManager]

CHILD = """
import sys
from llmspell.state.manager import StateManager
from llmspell import values
from llmspell.errors import Conflict
with StateManager.with_backend("lmdb", path=sys.argv[1]) as state:
    for number in range(int(sys.argv[2])):
        state.increment("s", "n")
        state.modify("s", "list", lambda items: [*(items or []), number])
        while True:
            entry = state.entry("s", "checked")
            try:
                state.set("s", "checked", entry.value + 1 if entry else 1, if_version=entry.version if entry else 0)
                break
            except Conflict:
                pass
        with state.transaction():
            left = state.get("s", "left", 0)
            state.set("s", "left", left + 1)
            state.set("s", "right", left + 1)
"""


def run_threads(count: int, work: Callable[[int], None]) -> None:
    errors: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def child(code: str, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_increments_of_processes_are_never_lost(tmp_path: Path) -> None:
    path = str(tmp_path / "state")
    children = [child(CHILD, path, "25") for _ in range(4)]
    for process in children:
        _, problems = process.communicate(timeout=100)
        assert (process.returncode, problems) == (0, "")
    with StateManager.with_backend("lmdb", path=path) as state:
        assert state.get("s", "n") == 100
        assert state.get("s", "checked") == 100
        assert state.get("s", "left") == state.get("s", "right") == 100
        assert sorted(state.get("s", "list")) == sorted([*range(25)] * 4)
        assert len(state.history("s", "n")) == 100
        versions = [change.version for change in state.changes()[0]]
        assert len(versions) == 500
        assert versions == sorted(versions)
        assert set(versions) == set(range(1, 401))


def test_increments_of_threads_are_never_lost(state: StateManager) -> None:
    def work(number: int) -> None:
        for _ in range(50):
            state.increment("s", "n")
            state.update(
                "s", "list", lambda payload: values.encode([*(values.decode(payload) if payload else []), number])
            )

    run_threads(6, work)
    assert state.get("s", "n") == 300
    assert sorted(state.get("s", "list")) == sorted(list(range(6)) * 50)


def test_threads_with_managers_of_their_own_share_the_store(make: Make) -> None:
    def work(number: int) -> None:
        manager = make()
        for _ in range(50):
            manager.increment("s", "n")

    run_threads(6, work)
    assert make().get("s", "n") == 300


def test_readers_see_whole_transactions_only(state: StateManager) -> None:
    ended = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            for value in range(200):
                with state.transaction():
                    state.set("s", "a", value)
                    state.set("s", "b", value)
            ended.set()
            return
        while not ended.is_set():
            found = [values.decode(payload) for _, payload in state.list("s")]
            assert found in ([], [found[0] if found else None] * 2)

    run_threads(4, work)
    assert state.get("s", "a") == state.get("s", "b") == 199


def test_one_of_many_wins_a_condition(state: StateManager) -> None:
    state.set("s", "k", "start")
    won: list[int] = []

    def work(number: int) -> None:
        try:
            state.set("s", "k", number, if_version=1)
            won.append(number)
        except Conflict:
            pass

    run_threads(8, work)
    assert len(won) == 1
    assert state.get("s", "k") == won[0]


def test_an_ephemeral_and_a_durable_save_never_leave_two_values(state: StateManager) -> None:
    def work(number: int) -> None:
        for _ in range(60):
            state.set("s", "k", number, class_="ephemeral" if number % 2 else "standard")

    run_threads(4, work)
    assert state.count("s") == 1
    assert state.delete("s", "k")
    assert state.get("s", "k") is None


def test_a_transaction_belongs_to_its_thread(state: StateManager) -> None:
    seen: list[object] = []
    with state.transaction():
        state.set("s", "k", "inside")
        thread = threading.Thread(target=lambda: seen.append((state.own_transaction(), state.get("s", "k"))))
        thread.start()
        thread.join()
    assert seen == [(None, None)]


def test_a_writer_that_waits_too_long_is_told(state: StateManager) -> None:
    state.busy_seconds = 0.05
    outcome: list[object] = []

    def work() -> None:
        try:
            state.set("s", "k", "late")
        except StorageBusy as error:
            outcome.append(error)

    with state.transaction():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert [type(error) for error in outcome] == [StorageBusy]
    assert state.get("s", "k") is None


def test_a_killed_process_leaves_whole_commits(tmp_path: Path) -> None:
    path = str(tmp_path / "state")
    code = """
import sys
from llmspell.state.manager import StateManager
state = StateManager.with_backend("lmdb", path=sys.argv[1])
for number in range(10**9):
    with state.transaction():
        state.set("s", "a", number, ttl=1000)
        state.set("s", "b", number)
        state.set("s", f"k{number % 50}", number)
    print(number, flush=True)
"""
    for _ in range(3):
        process = child(code, path)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(30)]
        process.kill()
        lines += process.communicate()[0].splitlines()
        reported = int(next(line for line in reversed(lines) if line.strip()))
        with LmdbStore(path) as store:
            assert problems(store) == []
            state = StateManager(store)
            assert state.get("s", "a") == state.get("s", "b")
            assert state.get("s", "a") >= reported
            state.clear("s")


def test_changes_of_another_process_arrive_while_waiting(tmp_path: Path) -> None:
    path = str(tmp_path / "state")
    with StateManager.with_backend("lmdb", path=path) as state:
        state.set("s", "before", 1)
        code = (
            "import sys; from llmspell.state.manager import StateManager as M; "
            "M.with_backend('lmdb', path=sys.argv[1], correlation_id='child').set('s', 'k', 1)"
        )
        process = child(code, path)
        begin = time.monotonic()
        found, _ = state.changes(since=1, timeout=30)
        assert time.monotonic() - begin < 20
        process.communicate()
        assert [(change.key, change.correlation_id) for change in found] == [("k", "child")]


def test_handles_of_one_process_see_each_others_commits_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "state")
    with StateManager.with_backend("lmdb", path=path) as first, StateManager.with_backend("lmdb", path=path) as second:
        for number in range(1, 20):
            first.set("s", "k", number)
            assert second.get("s", "k") == number
            second.set("s", "k", -number)
            assert first.get("s", "k") == -number
