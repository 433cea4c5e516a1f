"""Backups: of 100 MB of values and 100 MB of artifacts, beside `zstd -3` of the same bytes, and restic and borg where they
are installed.

The memory is that of 2 GB: what is anonymous, and the most that was resident. The latter counts the pages of the mapped file,
which the system takes back when it needs them.
"""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from benchmarks.measure import Row, Times, alternate, timed
from llmspell.artifacts.artifacts import Artifacts
from llmspell.backup.backups import Backups
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from llmspell.storage.lmdb import LmdbStore
from llmspell.values import encode

MEGABYTES, ARTIFACT_MEGABYTES, SMALL_MEGABYTES, LARGE_MEGABYTES = 100, 100, 50, 2000
VALUE_BYTES, SMALL_BYTES = 1000, 100
MOST_ROUNDS = 5
MOST_MIB = 150
SECRETS = {"RESTIC_PASSWORD": "bench", "BORG_PASSPHRASE": "bench", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}


class Place:
    """A store with so many megabytes of values that compress to about a fifth, and of artifacts that do not; its backups."""

    def __init__(
        self, folder: Path, megabytes: int, value_bytes: int, plain: Path | None = None, artifacts: int = 0
    ) -> None:
        self.folder = folder
        self.folder.mkdir()
        self.megabytes = megabytes
        self.state = StateManager(LmdbStore(folder / "store", sync=False), transaction_timeout_ms=0)
        self.backups = Backups(self.state, str(folder / "backups"))
        self._count = count()
        self._fill(value_bytes, plain, artifacts)
        self.full = ""

    def create(self) -> float:
        def work() -> None:
            self.full = self.backups.create().id

        return timed(work, self.stored)

    @property
    def stored(self) -> float:
        """Megabytes of the values with their records and their journal."""
        return self.backups.info(self.full).size / 1e6 if self.full else self.megabytes

    def change(self) -> float:
        self.state.set("user:1", "key00001", next(self._count))
        return timed(lambda: self.backups.create("incremental"))

    def validate(self) -> float:
        return timed(lambda: self.backups.validate(self.full), self.stored)

    def restore(self) -> float:
        to = str(self.folder / f"restored{next(self._count)}")
        taken = timed(lambda: self.backups.restore(self.full, to=to, verify=False), self.stored)
        shutil.rmtree(to)
        return taken

    def restore_here(self) -> float:
        """Into an empty store in use, as after a loss, with all checks."""
        path = self.folder / f"lost{next(self._count)}"
        with LmdbStore(path) as store:
            backups = Backups(StateManager(store), str(self.folder / "backups"))
            taken = timed(lambda: backups.restore(self.full), self.stored)
        shutil.rmtree(path)
        return taken

    def _fill(self, value_bytes: int, plain: Path | None, artifacts: int) -> None:
        rng = random.Random(1)
        words = [f"{rng.getrandbits(40):x}" for _ in range(3000)]
        text = " ".join(rng.choice(words) for _ in range(400_000))
        with open(plain or os.devnull, "wb") as file:
            for number in range(self.megabytes):
                with self.state.transaction():
                    for place in range(1_000_000 // value_bytes):
                        start = rng.randrange(len(text) - value_bytes)
                        payload = encode(text[start : start + value_bytes])
                        self.state.save(f"user:{number}", f"key{place:05}", payload)
                        file.write(payload)
            if artifacts:
                sessions = Sessions(self.state, self.state)
                work, store = sessions.create(name="bench"), Artifacts(sessions).store
                for number in range(artifacts):
                    file.write(content := rng.randbytes(1_000_000))
                    store(work, "tool_result", f"name{number}", content)
        self.state.store.sync()


class Others:
    """Other programs on a folder with one file of the same bytes."""

    def __init__(self, folder: Path, plain: Path) -> None:
        self.folder = folder
        self.plain = plain
        self.megabytes = plain.stat().st_size / 1e6
        self._count = count()

    def zstd(self) -> float:
        """What the command `zstd -3` takes for the same bytes, written to disk."""
        import zstandard

        def compress() -> None:
            with self.plain.open("rb") as source, (self.folder / "plain.zst").open("wb") as target:
                zstandard.ZstdCompressor(level=3).copy_stream(source, target)
                target.flush()
                os.fsync(target.fileno())

        return timed(compress, self.megabytes)

    def program(self, *command: str, before: tuple[str, ...] = ()) -> Callable[[], float]:
        """A program that backs up the folder; `{}` becomes a number, and `before` runs unmeasured before it."""

        def run() -> float:
            number = next(self._count)
            if before:
                self.call(*(word.format(number) for word in before))
            return timed(lambda: self.call(*(word.format(number) for word in command)), self.megabytes)

        return run

    def call(self, *words: str) -> None:
        subprocess.run(words, cwd=self.folder, env=os.environ | SECRETS, check=True, capture_output=True)


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Every figure of backups. Times are per MB of stored data, but for that of an incremental backup."""
    plain = folder / "plain" / "values"
    plain.parent.mkdir()
    rounds = min(rounds, MOST_ROUNDS)
    place = Place(folder / "backup", MEGABYTES, VALUE_BYTES, plain, ARTIFACT_MEGABYTES)
    others = Others(folder, plain)
    create, zstd = alternate([place.create, others.zstd], rounds)
    yield rate("full backup, per MB, beside `zstd -3` of one thread", create, zstd, 150)
    yield from _reading(place, rounds, "")
    place.backups.create()
    (change,) = alternate([place.change], rounds)
    size = place.backups.list()[0].total_bytes
    is_met = change.median <= 0.2 and size <= 65536
    name = f"incremental backup after one change, of {size} bytes"
    yield Row(name, change, target="≤ 0.2 s, ≤ 64 KiB", is_met=is_met, unit="ms")
    yield from _beside_others(place, others, rounds)
    small = Place(folder / "small", SMALL_MEGABYTES, SMALL_BYTES)
    (create,) = alternate([small.create], rounds)
    yield rate("values of 100 bytes: full backup, per MB", create, None, 150)
    yield from _reading(small, rounds, "values of 100 bytes: ")
    yield from _memory(folder / "large")


def _reading(place: Place, rounds: int, kind: str) -> Iterator[Row]:
    validate, restore, here = alternate([place.validate, place.restore, place.restore_here], rounds)
    yield rate(f"{kind}validate, per MB", validate, None, 400)
    yield rate(f"{kind}restore to a path, per MB", restore, None, 200)
    yield rate(f"{kind}restore into an empty store in use, all checks, per MB", here, None, 200)


def _beside_others(place: Place, others: Others, rounds: int) -> Iterator[Row]:
    """Each program into a new repository, so that it stores everything, and with what our backup does by default."""
    restic = others.program("restic", "backup", "-r", "restic{}", "plain", before=("restic", "init", "-r", "restic{}"))
    borg = others.program(
        "borg", "create", "-C", "zstd,3", "borg{}::all", "plain", before=("borg", "init", "-e", "none", "borg{}")
    )
    for name, program in (("restic", restic), ("borg", borg)):
        if shutil.which(name):
            create, other = alternate([place.create, program], rounds)
            yield rate(f"full backup, per MB, beside {name} of a file with the same bytes", create, other, 150)
        else:
            yield Row(f"full backup beside {name}: {name} is not installed here", None)


def _memory(folder: Path) -> Iterator[Row]:
    Place(folder, LARGE_MEGABYTES, VALUE_BYTES).state.store.close()
    for action in ("create", "validate", "restore", "restore_here"):
        told = subprocess.run(
            [sys.executable, "-c", WATCHED, str(folder), action], check=True, capture_output=True, text=True
        ).stdout.split()
        anonymous, resident, seconds = int(told[0]), int(told[1]), float(told[2])
        name = f"memory of {action.replace('_', ' ')}, 2 GB: {anonymous} MiB anonymous, at most {resident} MiB resident"
        yield Row(name, Times((seconds,)), target=f"≤ {MOST_MIB} MiB", is_met=anonymous <= MOST_MIB, unit="ms")


WATCHED = """
import sys, threading, time
from llmspell.backup.backups import Backups
from llmspell.state.manager import StateManager
from llmspell.storage.lmdb import LmdbStore

folder, action = sys.argv[1:]
most = {"RssAnon": 0, "VmHWM": 0}

def look():
    for line in open("/proc/self/status"):
        name, _, told = line.partition(":")
        if name in most:
            most[name] = max(most[name], int(told.split()[0]) >> 10)

def watch():
    while True:
        look()
        time.sleep(0.02)

store = LmdbStore(folder + ("/lost" if action == "restore_here" else "/store"))
backups = Backups(StateManager(store), folder + "/backups")
threading.Thread(target=watch, daemon=True).start()
began = time.perf_counter()
if action == "create":
    backups.create()
elif action == "validate":
    assert backups.validate(backups.list()[0].id).is_valid
else:
    backups.restore(backups.list()[0].id, to=None if action == "restore_here" else folder + "/restored")
taken = time.perf_counter() - began
look()
print(most["RssAnon"], most["VmHWM"], taken)
"""


def rate(name: str, times: Times, baseline: Times | None, megabytes: int) -> Row:
    return Row(name, times, baseline, f"≥ {megabytes} MB/s", times.median <= 1 / megabytes, unit="ms")
