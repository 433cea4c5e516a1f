"""Backups: of 200 MB of state, beside `zstd -3` of the same bytes, and restic and borg where they are installed."""

import os
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from benchmarks.measure import Row, Times, alternate, timed
from llmspell.backup.backups import Backups
from llmspell.state.manager import StateManager
from llmspell.storage.lmdb import LmdbStore
from llmspell.values import encode

MEGABYTES = 200
VALUE_BYTES = 1000
MOST_ROUNDS = 5
SECRETS = {"RESTIC_PASSWORD": "bench", "BORG_PASSPHRASE": "bench", "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes"}


class Bench:
    """A store with 200 MB of values that compress to about a fifth, and the same bytes as a plain file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "backup"
        self.folder.mkdir()
        self.plain = self.folder / "plain" / "values"
        self.plain.parent.mkdir()
        self.state = StateManager(LmdbStore(self.folder / "store"), transaction_timeout_ms=0)
        self.backups = Backups(self.state, str(self.folder / "backups"))
        self._count = count()
        rng = random.Random(1)
        words = [f"{rng.getrandbits(40):x}" for _ in range(3000)]
        text = " ".join(rng.choice(words) for _ in range(400_000))
        with self.plain.open("wb") as file:
            for number in range(MEGABYTES):
                with self.state.transaction():
                    for place in range(1_000_000 // VALUE_BYTES):
                        start = rng.randrange(len(text) - VALUE_BYTES)
                        payload = encode(text[start : start + VALUE_BYTES])
                        self.state.save(f"user:{number}", f"key{place:05}", payload)
                        file.write(payload)
        self.full = self.backups.create().id

    def create(self) -> float:
        return timed(self.backups.create, MEGABYTES)

    def change(self) -> float:
        self.state.set("user:1", "key00001", next(self._count))
        return timed(lambda: self.backups.create("incremental"))

    def validate(self) -> float:
        return timed(lambda: self.backups.validate(self.full), MEGABYTES)

    def restore(self) -> float:
        to = str(self.folder / f"restored{next(self._count)}")
        taken = timed(lambda: self.backups.restore(self.full, to=to, verify=False), MEGABYTES)
        shutil.rmtree(to)
        return taken

    def restore_here(self) -> float:
        """Into an empty store in one transaction, as after a loss, with all checks."""
        path = self.folder / f"lost{next(self._count)}"
        with LmdbStore(path) as store:
            backups = Backups(StateManager(store), str(self.folder / "backups"))
            taken = timed(lambda: backups.restore(self.full), MEGABYTES)
        shutil.rmtree(path)
        return taken

    def zstd(self) -> float:
        """What the command `zstd -3` takes for the same bytes, written to disk."""
        import zstandard

        def compress() -> None:
            with self.plain.open("rb") as source, (self.folder / "plain.zst").open("wb") as target:
                zstandard.ZstdCompressor(level=3).copy_stream(source, target)
                target.flush()
                os.fsync(target.fileno())

        return timed(compress, MEGABYTES)

    def other(self, *command: str) -> Callable[[], float]:
        """A program that backs up the folder with the plain file; `{}` becomes a number."""

        def run() -> float:
            words = [word.format(next(self._count)) for word in command]
            return timed(lambda: call(words, self.folder), MEGABYTES)

        return run


def call(words: list[str], folder: Path) -> None:
    subprocess.run(words, cwd=folder, env=os.environ | SECRETS, check=True, capture_output=True)


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Every figure of backups. Times are per MB, but for that of an incremental backup."""
    bench = Bench(folder)
    rounds = min(rounds, MOST_ROUNDS)
    create, zstd = alternate([bench.create, bench.zstd], rounds)
    yield rate("full backup, per MB, beside `zstd -3` of one thread", create, zstd, 150)
    validate, restore, here = alternate([bench.validate, bench.restore, bench.restore_here], rounds)
    yield rate("validate, per MB", validate, None, 400)
    yield rate("restore to a path, per MB", restore, None, 200)
    yield rate("restore into an empty store in use, all checks, per MB", here, None, 200)
    bench.backups.create()
    (change,) = alternate([bench.change], rounds)
    size = bench.backups.list()[0].total_bytes
    is_met = change.median <= 0.2 and size <= 65536
    name = f"incremental backup after one change, of {size} bytes"
    yield Row(name, change, target="≤ 0.2 s, ≤ 64 KiB", is_met=is_met, unit="ms")
    if shutil.which("restic"):
        call(["restic", "init", "-r", "restic"], bench.folder)
        fresh = bench.other("restic", "backup", "-r", "restic", "--force", "plain")
        create, other = alternate([bench.create, fresh], rounds)
        yield rate("full backup, per MB, beside restic that has the chunks already", create, other, 150)
    if shutil.which("borg"):
        call(["borg", "init", "-e", "none", "borg"], bench.folder)
        fresh = bench.other("borg", "create", "-C", "zstd,3", "borg::{}", "plain")
        create, other = alternate([bench.create, fresh], rounds)
        yield rate("full backup, per MB, beside borg that has the chunks already", create, other, 150)


def rate(name: str, times: Times, baseline: Times | None, megabytes: int) -> Row:
    return Row(name, times, baseline, f"≥ {megabytes} MB/s", times.median <= 1 / megabytes, unit="ms")
