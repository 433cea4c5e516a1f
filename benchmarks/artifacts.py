"""Artifacts: small ones from Lua, searches among many, and a large one that goes in and out of a store on disk."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3
from zstandard import ZstdCompressor

from benchmarks.measure import Row, Times, alternate, timed
from llmspell.artifacts.artifacts import Artifacts
from llmspell.config import load
from llmspell.runtime import Runtime
from llmspell.sessions.policies import Policies
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from llmspell.values import decode

SMALL = 1000
MANY = 100_000
LARGE = 1 << 30
STORE_TARGET = 100e-6
QUERY_TARGET = 20e-3
MEMORY_TARGET = 64
"""MiB beyond what the process has before."""

STORE = """
local round = ...
local work = Session.create({name = "bench", max_artifacts = 1000000})
local body, count = ("x"):rep(1000), 1000
local started = os.clock()
for i = 1, count do
  Artifact.store(work, "note", "n" .. i, body .. ("%s-%018d"):format(round, i), {tags = {"bench"}})
end
local taken = (os.clock() - started) / count
Session.delete(work, {force = true})
return taken
"""

PROCESS = """
import json, sys, threading, time
from llmspell import Artifacts, Sessions, StateManager

def own():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("RssAnon")) / 1024

peak, running = own(), True
def watch():
    global peak
    while running:
        peak = max(peak, own())
        time.sleep(0.005)

state = StateManager.with_backend("lmdb", path=sys.argv[1])
sessions = Sessions(state, state)
artifacts = Artifacts(sessions)
work = sessions.create()
before = own()
threading.Thread(target=watch, daemon=True).start()
started = time.perf_counter()
made = artifacts.store_file(work, sys.argv[2], "t")
stored = time.perf_counter()
into = peak - before
artifacts.save_to(work, made, sys.argv[2] + ".out")
saved = time.perf_counter()
print(json.dumps([stored - started, saved - stored, into, peak - before]))
"""


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """The figures of artifacts."""
    yield small(folder, rounds)
    yield from search(folder, rounds)
    yield from large(folder)


def small(folder: Path, rounds: int) -> Row:
    """1 KiB from Lua with the memory store, beside a file of its own for each, with its hash as its name."""
    overrides = {"runtime.sessions.enabled": True, "runtime.sessions.max_artifacts_per_session": 10**9}
    place = folder / "files"
    place.mkdir()
    count = iter(range(10**9))

    with Runtime(load(environ={}, cwd=str(folder), overrides=overrides)) as runtime:

        def ours() -> float:
            seconds: float = decode(runtime.run(STORE.encode(), name="bench.lua", args=[str(next(count))]))
            return seconds

        def files() -> None:
            for _ in range(SMALL):
                data = b"%01024d" % next(count)
                (place / blake3(data).hexdigest()).write_bytes(data)

        mine, bare = alternate([ours, lambda: timed(files, SMALL)], rounds)
    name = "artifact of 1 KiB stored from Lua, memory store (baseline: a file each, without sync)"
    return Row(name, mine, bare, "≤ 100 µs", mine.median <= STORE_TARGET)


def search(folder: Path, rounds: int) -> Iterator[Row]:
    """The first 100 of 100,000 artifacts, by tag and by time, beside reading 100 of them one by one."""
    state = StateManager.with_backend("lmdb", path=folder / "search")
    sessions = Sessions(state, state, policies=Policies(max_artifacts=MANY))
    artifacts = Artifacts(sessions)
    work = sessions.create()
    for start in range(0, MANY, 1000):
        with state.transaction():
            for number in range(start, start + 1000):
                tags = [f"tag{number % 7}", "rare" if number % 500 == 0 else "common"]
                artifacts.store(work, "note", f"n{number}", b"%d" % (number % 50), tags=tags)
    middle = artifacts.info(work, f"n{MANY // 2}").created_at
    ids = [each.id for each in artifacts.query(limit=100)]
    asked = {
        "by tag": {"tags": ["tag3"]},
        "by two tags, of which few have both": {"tags": ["rare", "tag3"]},
        "by time": {"created_before": middle},
        "by type, tag and time": {"type": "note", "tags": ["tag5"], "created_before": middle},
    }
    for name, query in asked.items():
        mine, bare = alternate(
            [
                lambda query=query: timed(lambda: artifacts.query(limit=100, **query)),  # type: ignore[misc]
                lambda: timed(lambda: [artifacts.info(work, each) for each in ids]),
            ],
            rounds,
        )
        label = f"first 100 of 100,000 artifacts {name} (baseline: 100 by their ids)"
        yield Row(label, mine, bare, "≤ 20 ms", mine.median <= QUERY_TARGET, "ms")
    state.close()


def large(folder: Path) -> Iterator[Row]:
    """1 GiB of bytes that do not compress, in and out, beside zstd of the same bytes and a copy of the file."""
    source = folder / "large"
    with source.open("wb") as file:
        for _ in range(LARGE >> 24):
            file.write(os.urandom(1 << 24))
    command = [sys.executable, "-c", PROCESS, str(folder / "large-store"), str(source)]
    done = subprocess.run(command, capture_output=True, check=True)
    stored, saved, memory_in, memory_out = json.loads(done.stdout)
    assert os.path.getsize(f"{source}.out") == LARGE

    def compress() -> None:
        packer = ZstdCompressor(3)
        with source.open("rb") as file:
            while block := file.read(128 << 10):
                packer.compress(block)

    def copy() -> None:
        with source.open("rb") as file, (folder / "copy").open("wb") as target:
            while block := file.read(1 << 20):
                target.write(block)
            os.fsync(target.fileno())

    for name, seconds, memory, baseline, what in (
        ("stored", stored, memory_in, compress, "zstd of its blocks, nothing stored"),
        ("saved to a file", saved, memory_out, copy, "a copy of the file"),
    ):
        label = f"1 GiB {name}, {memory:.0f} MiB of memory more (baseline: {what})"
        yield Row(label, Times((seconds,)), Times((timed(baseline),)), "≤ 64 MiB more", memory <= MEMORY_TARGET, "ms")
    for path in (source, folder / "copy", Path(f"{source}.out")):
        path.unlink()
