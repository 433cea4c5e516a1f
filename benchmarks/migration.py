"""Migrations of small documents, beside putting ready bytes back with bare py-lmdb."""

from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb

from benchmarks.measure import Row, Times, alternate, timed
from llmspell.migration.catalogue import Catalogue
from llmspell.migration.engine import Migrations
from llmspell.migration.request import Request
from llmspell.state.manager import StateManager
from llmspell.values import encode

DOCUMENTS = 100_000
MILLION = 1_000_000
TARGET = 10e-6
"""Seconds for each document."""
MEMORY = 32
"""MiB that a migration may take, however many documents there are."""

SCHEMAS = (
    {"version": "1.0.0", "scope": "user:*", "fields": {"name": {"type": "string", "required": True}, "age": "integer"}},
    {
        "version": "2.0.0",
        "scope": "user:*",
        "fields": {
            "title": {"type": "string", "required": True, "max_length": 36},
            "age": {"type": "integer", "min": 0, "max": 150},
        },
        "migration_path": [
            {"from_version": "1.0.0", "transformations": [{"transform": "rename", "field": "name", "to": "title"}]}
        ],
        "compatibility": "none",
    },
)


class Bench:
    """A state full of small documents, validated strictly before and after each migration."""

    def __init__(self, backend: str, folder: Path, count: int) -> None:
        path = folder / f"migration-{backend}-{count}"
        self.count = count
        self.manager = StateManager.with_backend(backend, path=path, transaction_timeout_ms=0)
        self.migrations = Migrations(self.manager, Catalogue(default=(1, 0, 0)))
        payload = encode({"name": "ann", "age": 34, "tags": [1, 2]})
        for start in range(0, count, 10_000):
            with self.manager.transaction():
                for number in range(start, start + 10_000):
                    self.manager.save(f"user:{number % 10}", f"profile{number:07}", payload)
        for schema in SCHEMAS:
            self.migrations.register(schema)

    def migrate(self) -> float:
        """Seconds per document of a migration, which is then undone."""
        taken = timed(self._migrate, self.count)
        assert self.migrations.rollback().migrated == self.count
        return taken

    def once(self) -> tuple[float, float]:
        """Seconds per document of one migration, and by how many MiB memory of the process's own grew at most."""
        before = peak = _own_memory()

        def watch(*_: int) -> None:
            nonlocal peak
            peak = max(peak, _own_memory())

        return timed(lambda: self._migrate(watch), self.count), peak - before

    def _migrate(self, progress: Callable[[int, int], None] | None = None) -> None:
        outcome = self.migrations.migrate(Request((2, 0, 0)), progress)
        assert outcome.migrated == self.count, outcome.error


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Every figure about migrations; the larger ones are measured in fewer rounds."""
    few = max(3, rounds // 3)
    bench = Bench("lmdb", folder, DOCUMENTS)
    times, bare = alternate([bench.migrate, _bare(folder)], few)
    bench.manager.close()
    yield Row("py-lmdb put of ready bytes, 100,000 in one transaction", bare)
    yield _within("migration of 100,000 small documents, lmdb, strict, per document", times, bare)
    memory = Bench("memory", folder, DOCUMENTS)
    yield _within(
        "migration of 100,000 small documents, memory, strict, per document", alternate([memory.migrate], few)[0], None
    )
    large = Bench("lmdb", folder, MILLION)
    taken, grown = large.once()
    large.manager.close()
    name = f"migration of 1,000,000 small documents, lmdb (memory grew by {grown:.0f} MiB at most), per document"
    yield Row(name, Times((taken,)), target=f"memory ≤ {MEMORY} MiB", is_met=grown <= MEMORY)


def _within(name: str, times: Times, baseline: Times | None) -> Row:
    return Row(name, times, baseline, "≤ 10 µs", is_met=times.median <= TARGET)


def _bare(folder: Path) -> Callable[[], float]:
    environment = lmdb.open(str(folder / "migration-bare"), map_size=1 << 30)
    pairs = [(f"suser:{number % 10}\0profile{number:07}".encode(), b"x" * 70) for number in range(DOCUMENTS)]

    def put() -> None:
        with environment.begin(write=True) as txn:
            for key, value in pairs:
                txn.put(key, value)

    return lambda: timed(put, DOCUMENTS)


def _own_memory() -> float:
    """Memory of this process in MiB, without the pages of mapped files: those are the system's cache."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell the memory of a process")
