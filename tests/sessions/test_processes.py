"""Sessions and real processes: two on one session, and SIGKILL at random moments."""

import subprocess
import sys
from pathlib import Path

import pytest

from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager
from llmspell.storage.lmdb import LmdbStore
from tests.crash.victim import Victim

from .conftest import problems, scope

WORKER = """
import sys
from llmspell import Sessions, StateManager
with StateManager.with_backend("disk", path=sys.argv[1]) as state:
    sessions = Sessions(state, state)
    work, name = sys.argv[2], sys.argv[3]
    sessions.set_current(work)
    for number in range(60):
        with state.transaction():
            state.set(f"session:{work}", f"{name}:{number}", number)
            state.increment(f"session:{work}", "total")
        if number % 10 == 0:
            sessions.save(work, label=f"{name}:{number}")
"""


def test_two_processes_on_one_session_lose_and_mix_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "store")
    with StateManager.with_backend("disk", path=path) as state:
        work = Sessions(state, state).create(name="shared")
    running = [subprocess.Popen([sys.executable, "-c", WORKER, path, work, name]) for name in "ab"]
    assert [process.wait(60) for process in running] == [0, 0]
    with StateManager.with_backend("disk", path=path) as state:
        sessions = Sessions(state, state)
        entries = sessions.timeline(work)
        assert [entry.seq for entry in entries] == list(range(1, 2 + 2 * (60 * 2 + 6)))
        for name in "ab":
            own = [entry.data["key"] for entry in entries if entry.data.get("key", "").startswith(f"{name}:")]
            assert own == [f"{name}:{number}" for number in range(60)]
        versions = [entry.data["version"] for entry in entries if "version" in entry.data]
        assert versions == sorted(versions)
        assert state.get(scope(work), "total") == 120
        found = sessions.get(work)
        assert (found.operation_count, found.checkpoint_count) == (240, 12)
        for point in sessions.checkpoints(work):
            sessions.load(work, checkpoint=point.id)
            keys = state.list_keys(scope(work))
            name, number = point.label.split(":")
            own = [key for key in keys if key.startswith(f"{name}:")]
            assert len(own) == int(number) + 1
            assert state.get(scope(work), "total") == len(keys) - 1
        assert problems(state.store) == []


VICTIM = {
    "lua": """
local work = args[1]
if not work then work = Session.create{name = "victim"} end
print(work)
Session.set_current(work)
local scope = "session:" .. work
for i = 1, 1000000 do
  State.transaction(function()
    local n = State.increment(scope, "n")
    State.save(scope, "twin", n)
    State.save(scope, "turn:" .. n % 7, ("x"):rep(2100 + n % 50))
  end)
  local point = Session.save(work, {label = "l" .. State.load(scope, "n")})
  local child = Session.fork(work, {checkpoint = point})
  State.save("session:" .. child, "n", -1)
  if i % 3 == 0 then Session.load(work, {checkpoint = point}) end
  Session.delete(child, {force = true})
  if i % 5 == 0 then Session.delete_checkpoint(work, point) end
  print(i)
end
""",
    "javascript": """
const work = args[0] ?? Session.create({name: 'victim'})
print(work)
Session.setCurrent(work)
const scope = 'session:' + work
for (let i = 1; i <= 1000000; i++) {
  State.transaction(() => {
    const n = State.increment(scope, 'n')
    State.save(scope, 'twin', n)
    State.save(scope, `turn:${n % 7}`, 'x'.repeat(2100 + n % 50))
  })
  const point = Session.save(work, {label: 'l' + State.load(scope, 'n')})
  const child = Session.fork(work, {checkpoint: point})
  State.save('session:' + child, 'n', -1)
  if (i % 3 === 0) Session.load(work, {checkpoint: point})
  Session.delete(child, {force: true})
  if (i % 5 === 0) Session.deleteCheckpoint(work, point)
  print(i)
}
""",
}
CONFIG = "[state.journal]\nkeep_versions = 2\n[runtime.sessions]\nenabled = true\nmax_sessions = 100000\n"


def kill_and_look(folder: Path, language: str, rounds: int) -> None:
    victim = Victim(folder, VICTIM[language], language, CONFIG)
    work = ""
    for _ in range(rounds):
        lines = victim.kill(*([work] if work else []))
        assert not work or lines[0] == work
        work = lines[0]
        with LmdbStore(folder / "store") as store:
            state = StateManager(store)
            sessions = Sessions(state, state)
            assert problems(store) == []
            if not state.exists(scope(work), "n"):
                continue
            assert state.get(scope(work), "n") == state.get(scope(work), "twin") >= len(lines) - 1
            entries = sessions.timeline(work, kinds=["state.saved"])
            saved = [entry.data["key"] for entry in entries if entry.data["scope"] == scope(work)]
            assert saved.count("n") == saved.count("twin") == state.get(scope(work), "n")
            for point in sessions.checkpoints(work)[-3:]:
                child = sessions.fork(work, checkpoint=point.id)
                assert point.label == f"l{state.get(scope(child), 'n')}"
                assert state.get(scope(child), "twin") == state.get(scope(child), "n")
                sessions.delete(child, force=True)
            assert problems(store) == []


@pytest.mark.parametrize("language", VICTIM)
def test_a_killed_process_leaves_sessions_whole(tmp_path: Path, language: str) -> None:
    kill_and_look(tmp_path, language, 2)


@pytest.mark.crash
@pytest.mark.parametrize("language", VICTIM)
def test_a_hundred_killed_processes_leave_sessions_whole(tmp_path: Path, language: str) -> None:
    kill_and_look(tmp_path, language, 50)
