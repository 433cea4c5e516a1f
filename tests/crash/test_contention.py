"""Eight processes on one key: nothing is lost, nobody is told that the store is locked, nobody waits for long."""

import subprocess
import sys
from pathlib import Path

import pytest

from llmspell.state.manager import StateManager

WORKER = """
import sys, time
from llmspell.state.manager import StateManager

path, count = sys.argv[1], int(sys.argv[2])
longest = 0.0
with StateManager.with_backend("lmdb", path=path) as state:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(count):
        started = time.perf_counter()
        state.increment("shared", "incremented")
        between = time.perf_counter()
        state.modify("shared", "updated", lambda value: (value or 0) + 1)
        longest = max(longest, between - started, time.perf_counter() - between)
print(longest, flush=True)
"""


@pytest.mark.parametrize("count", [pytest.param(60, id="60"), pytest.param(1000, id="1000", marks=pytest.mark.crash)])
def test_eight_processes_lose_nothing_and_no_write_waits_for_half_a_second(tmp_path: Path, count: int) -> None:
    path = str(tmp_path / "store")
    StateManager.with_backend("lmdb", path=path).close()
    command = [sys.executable, "-c", WORKER, path, str(count)]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    ended = [worker.communicate() for worker in workers]
    assert [errors for _, errors in ended] == [""] * 8
    with StateManager.with_backend("lmdb", path=path) as state:
        assert state.get("shared", "incremented") == 8 * count
        assert state.get("shared", "updated") == 8 * count
    assert max(float(output) for output, _ in ended) < 0.5
