"""SIGKILL at random moments: what had returned is there, and nothing is there by half."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.victim import Victim

SAVES = {
    "lua": """
local round = args[1]
for i = 1, 1000000 do
  State.save("kill", round .. "-" .. i, {i = i, text = ("x"):rep(i % 300)})
  print(i)
end
""",
    "javascript": """
const round = args[0]
for (let i = 1; i <= 1000000; i++) {
  State.save('kill', `${round}-${i}`, {i, text: 'x'.repeat(i % 300)})
  print(i)
}
""",
}

TRANSACTIONS = {
    "lua": """
for i = 1, 1000000 do
  State.transaction(function()
    local n = State.increment("kill", "left")
    for j = 1, 20 do State.save("kill", "filler" .. j, {n, j}) end
    pcall(State.transaction, function() State.save("kill", "left", -1) error("undo") end)
    State.save("kill", "right", n)
  end)
  print(i)
end
""",
    "javascript": """
for (let i = 1; i <= 1000000; i++) {
  State.transaction(() => {
    const n = State.increment('kill', 'left')
    for (let j = 1; j <= 20; j++) State.save('kill', `filler${j}`, [n, j])
    try { State.transaction(() => { State.save('kill', 'left', -1); throw new Error('undo') }) } catch {}
    State.save('kill', 'right', n)
  })
  print(i)
}
""",
}

COMPACTION = """
import sys
from llmspell.state.journal import JournalPolicy
from llmspell.state.manager import StateManager
from llmspell.storage.lmdb import LmdbStore

state = StateManager(LmdbStore(sys.argv[1]), journal=JournalPolicy(keep_days=1e-9))
start = state.get("kill", "n", 0)
for i in range(start + 1, start + 1_000_000):
    with state.transaction():
        state.set("kill", "n", i)
        for j in range(50):
            state.set("kill", f"key{j}", i)
    print(i, flush=True)
    state.compact()
"""

GROUPED = """
const start = State.load('kill', 'n', {default: 0})
for (let i = start + 1; i <= start + 1000000; i++) {
  State.transaction(() => { State.save('kill', 'n', i); State.save('kill', 'twin', i) })
  print(i, Date.now())
  sleep(0.0005)
}
"""


def rounds(short: int, long: int) -> list[object]:
    """A short sample in every run, the long one under `make test-crash`."""
    return [pytest.param(short, id=str(short)), pytest.param(long, id=str(long), marks=pytest.mark.crash)]


@pytest.mark.parametrize("count", rounds(3, 50))
@pytest.mark.parametrize("language", ["lua", "javascript"])
def test_a_save_that_returned_is_never_lost(tmp_path: Path, language: str, count: int) -> None:
    victim = Victim(tmp_path, SAVES[language], language)
    for number in range(count):
        printed = victim.kill(f"round{number}")
        with victim.open() as state:
            saved = state.list_keys("kill", prefix=f"round{number}-")
            assert len(printed) <= len(saved) <= len(printed) + 1
            for line in printed:
                assert state.get("kill", f"round{number}-{line}") == {"i": int(line), "text": "x" * (int(line) % 300)}


@pytest.mark.parametrize("count", rounds(3, 50))
@pytest.mark.parametrize("language", ["lua", "javascript"])
def test_no_transaction_is_ever_half_there(tmp_path: Path, language: str, count: int) -> None:
    victim = Victim(tmp_path, TRANSACTIONS[language], language)
    total = 0
    for _ in range(count):
        printed = victim.kill()
        with victim.open() as state:
            left, right = state.get("kill", "left"), state.get("kill", "right")
            assert left == right
            assert {state.get("kill", f"filler{number}")[0] for number in range(1, 21)} == {left}
            assert total + len(printed) <= left <= total + len(printed) + 1
            total = left


@pytest.mark.parametrize("count", rounds(2, 50))
def test_compaction_of_the_journal_is_never_half_done(tmp_path: Path, count: int) -> None:
    victim = Victim(tmp_path, COMPACTION, "python")
    for _ in range(count):
        printed = victim.kill()
        with victim.open() as state:
            last = state.get("kill", "n")
            assert int(printed[-1]) <= last <= int(printed[-1]) + 1
            assert [state.get("kill", f"key{number}") for number in range(50)] == [last] * 50
            # What the journal still says must be true: every version it lists can be loaded and is the one it names.
            changes, following = state.changes(since=0)
            assert following == state.version()
            for change in changes:
                value = state.load_at(change.scope, change.key, change.version)
                assert value is not None
                assert value == state.load_at(change.scope, "n", change.version)


@pytest.mark.parametrize("count", rounds(2, 50))
def test_grouped_writes_lose_at_most_their_window_and_never_half_of_one(tmp_path: Path, count: int) -> None:
    window, slack = 50, 300  # ms; a commit on a busy disk takes its time
    victim = Victim(tmp_path, GROUPED, "javascript", f"flush_every_ms = {window}\n")
    for _ in range(count):
        printed = [[int(word) for word in line.split()] for line in victim.kill(longest=1.0)]
        with victim.open() as state:
            there = state.get("kill", "n") or 0
            assert state.get("kill", "twin") == (there or None)
            killed_at = printed[-1][1]
            lost = [at for number, at in printed if number > there]
            assert all(killed_at - at <= window + slack for at in lost), (killed_at, lost)


@pytest.mark.parametrize("ending", ["return 1", "error('end')", "os.exit(3)"])
def test_grouped_writes_are_all_there_after_every_kind_of_end(tmp_path: Path, ending: str) -> None:
    script = f'for i = 1, 100 do State.save("kill", "k" .. i, i) end {ending}'
    victim = Victim(tmp_path, script, "lua", "flush_every_ms = 60000\n")
    command = [sys.executable, "-m", "llmspell", "-c", str(victim.settings), "run", str(victim.path)]
    assert subprocess.run(command, capture_output=True, check=False).returncode in (0, 1, 3)
    with victim.open() as state:
        assert state.count("kill") == 100


def test_grouped_writes_are_all_there_after_sigterm(tmp_path: Path) -> None:
    script = 'for i = 1, 100 do State.save("kill", "k" .. i, i) end print("saved") while true do end'
    victim = Victim(tmp_path, script, "lua", "flush_every_ms = 60000\n")
    command = [sys.executable, "-m", "llmspell", "-c", str(victim.settings), "run", str(victim.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"saved\n"
        process.terminate()
        assert process.wait() == 143
    with victim.open() as state:
        assert state.count("kill") == 100
