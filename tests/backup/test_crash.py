"""Processes that are killed, and processes that write meanwhile: earlier backups stay sound, the store is before or after."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from shutil import rmtree

import pytest

from llmspell.backup.backups import Backups
from llmspell.state.manager import StateManager
from llmspell.storage import keys
from llmspell.storage.check import check
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.memory import MemoryStore
from tests.backup.conftest import content

ROOT = Path(__file__).parent.parent.parent
PRELUDE = """
import sys, time
from llmspell.backup.backups import Backups
from llmspell.backup.retention import Policy
from llmspell.state.manager import StateManager
from llmspell.storage import filling
from llmspell.storage.lmdb import LmdbStore
filling._COMMIT_BYTES = 100_000
folder = sys.argv[1]
state = StateManager(LmdbStore(folder + "/store"))
backups = Backups(state, folder + "/backups", policy=Policy(max_backups=2, min_backups=0))
print("ready", flush=True)
"""
WORK = {
    "create": "backups.create()",
    "incremental": "backups.create('incremental')",
    "restore": "backups.restore(sys.argv[2], backup_first=False, verify=False)",
    "restore after a safety backup": "backups.restore(sys.argv[2])",
    "restore to a path": "backups.restore(sys.argv[2], to=folder + '/new', verify=False)",
    "restore into an empty store": "Backups(StateManager(LmdbStore(folder + '/lost')), folder + '/backups').restore(sys.argv[2])",
    "cleanup": "backups.cleanup()",
}
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def run(code: str, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT,
    )


def kill_after(seconds: float, code: str, *arguments: str) -> None:
    with run(code, *arguments) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)


def prepare(folder: Path) -> tuple[str, dict[bytes, bytes]]:
    """A store of several MB with a full backup, two more on top, and changes since; the first one's id and content."""
    rng = random.Random(3)
    with LmdbStore(folder / "store", sync=False) as store:
        state = StateManager(store)
        backups = Backups(state, str(folder / "backups"))
        with state.transaction():
            for number in range(3000):
                state.set("app", f"key{number:05}", rng.randbytes(1000))
        first = backups.create()
        exact = content(store, exactly=True)
        exact.pop(keys.HEAD, None)
        for step in range(3):
            with state.transaction():
                for number in range(step, 3000, 5):
                    state.set("app", f"key{number:05}", step)
            backups.create("incremental" if step < 2 else "full")
        with state.transaction():
            for number in range(0, 3000, 2):
                state.delete("app", f"key{number:05}")
    return first.id, exact


def kill_often(folder: Path, count: int) -> None:
    rng = random.Random(count)
    first = ""
    for turn in range(count):
        if not first:
            place = folder / str(turn)
            first, restored = prepare(place)
        first = kill_once(place, list(WORK)[turn % len(WORK)], first, restored, rng.random() * 0.15)


def kill_once(folder: Path, name: str, first: str, restored: dict[bytes, bytes], seconds: float) -> str:
    """Kill one piece of work and look at what is left; the id of the first backup, or "" when it was cleaned up."""
    with LmdbStore(folder / "store") as store:
        before = content(store, exactly=True)
        older = [each.id for each in Backups(StateManager(store), str(folder / "backups")).list()]
    kill_after(seconds, WORK[name], str(folder), first)
    with LmdbStore(folder / "store") as store:
        assert check(store).problems == []
        after = content(store, exactly=True)
        if after != before:
            assert name.startswith("restore")
            assert restored.items() <= after.items()
            assert len(after) == len(restored) + 1 + count_parts(after)
        backups = Backups(StateManager(store), str(folder / "backups"))
        left = [each.id for each in backups.list()]
        assert backups.damaged() == []
        if name != "cleanup":
            assert left[-len(older) :] == older
        for backup_id in left:
            assert backups.validate(backup_id).errors == [], name
        if (folder / "new").exists():
            with LmdbStore(folder / "new") as new:
                assert restored.items() <= content(new, exactly=True).items()
                assert check(new).problems == []
            rmtree(folder / "new")
        if (folder / "lost").exists():
            with LmdbStore(folder / "lost") as lost:
                found = content(lost, exactly=True)
                assert len(found) == 1 or restored.items() <= found.items()
                assert check(lost).problems == []
            rmtree(folder / "lost")
        # Whoever comes next finds no lock and clears away what is left.
        made = backups.create()
        assert backups.folder.debris() == []
        backups.folder.remove(made.id)
    return first if first in left else ""


def count_parts(everything: dict[bytes, bytes]) -> int:
    """How many parts the journal's last entry has, which tells what a restore changed."""
    newest = max(key[:9] for key in everything if key.startswith(keys.JOURNAL))
    return sum(key.startswith(newest) for key in everything)


def test_killed_processes_leave_sound_backups_and_a_whole_store(tmp_path: Path) -> None:
    kill_often(tmp_path, 12)


@pytest.mark.crash
@pytest.mark.parametrize("part", range(10))
def test_processes_killed_very_often_leave_sound_backups_and_a_whole_store(tmp_path: Path, part: int) -> None:
    kill_often(tmp_path, 20 + part)


def test_a_writer_that_keeps_two_keys_equal_is_never_seen_to_break_it(tmp_path: Path) -> None:
    code = """
number = 0
while True:
    number += 1
    with state.transaction():
        state.set("app", "one", number)
        for other in range(20):
            state.set("filler", f"key{(number * 20 + other) % 500}", "x" * 500)
        state.set("app", "two", number)
    time.sleep(0.003)
"""
    with run(code, str(tmp_path)) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        with LmdbStore(tmp_path / "store") as store:
            state = StateManager(store)
            while not state.exists("app", "two"):
                time.sleep(0.01)
            backups = Backups(state, str(tmp_path / "backups"))
            seen = set()
            for turn in range(100):
                made = backups.create("incremental" if turn % 10 else "full")
                with MemoryStore() as memory:
                    backups.restore(made.id, to=memory)
                    restored = StateManager(memory)
                    assert restored.get("app", "one") == restored.get("app", "two")
                    seen.add(restored.get("app", "one"))
                    assert restored.version() == made.version
            assert len(seen) > 50
        writer.kill()
