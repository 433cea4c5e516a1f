"""`[runtime.hooks] record`: hooks that run without a current session are recorded too."""

from pathlib import Path

import pytest

from llmspell import values
from llmspell.config import load
from llmspell.errors import NotEnabled
from llmspell.hooks.hooks import Hooks
from llmspell.runtime import Runtime
from llmspell.runtime.replays import open_replays
from llmspell.sessions import recording
from llmspell.sessions.policies import Policies
from llmspell.sessions.recording import Recording
from llmspell.sessions.sessions import Sessions
from llmspell.state.manager import StateManager

SCRIPT = """
Hook.register("BeforeStateWrite", function(context) return nil end, {name = "look", scope = "s"})
State.save("s", "a", 1)
State.transaction(function() State.save("s", "b", 2) end)
local id = Session.create({name = "own"})
Session.set_current(id)
State.save("s", "c", 3)
Session.set_current(nil)
State.save("s", "d", 4)
return id
"""


def open_runtime(folder: Path, *, record: bool, **overrides: object) -> Runtime:
    given = {"runtime.sessions.enabled": True, "runtime.hooks.record": record} | overrides
    return Runtime(load(environ={}, cwd=str(folder), overrides=given))


@pytest.mark.parametrize("store", ["memory", "disk"])
def test_what_no_session_records_is_recorded_in_one_of_its_own(tmp_path: Path, store: str) -> None:
    overrides = {"state.backend": store, "state.path": str(tmp_path / "state")}
    with open_runtime(tmp_path, record=True, **overrides) as runtime:
        own = values.decode(runtime.run(SCRIPT.encode(), name="work.lua"))
        (recorded,) = runtime.sessions.list(status="all", tags=["recording"])
        assert (recorded.name, recorded.status) == ("hooks of work.lua", "completed")
        replays = open_replays(runtime)
        assert replays.list_replayable() == [own, recorded.id]
        assert [replays.overview(id).total_hooks for id in (own, recorded.id)] == [1, 3]
        runtime.run(b'State.save("s", "a", 1)', name="quiet.lua")
        assert len(runtime.sessions.list(status="all", tags=["recording"])) == 1
        runtime.run(SCRIPT.encode(), name="again.lua")
        assert len(runtime.sessions.list(status="all", tags=["recording"])) == 2


def test_nothing_is_recorded_unless_it_is_switched_on(tmp_path: Path) -> None:
    with open_runtime(tmp_path, record=False) as runtime:
        runtime.run(SCRIPT.encode(), name="work.lua")
        assert [found.name for found in runtime.sessions.list(status="all")] == ["own"]


def test_recording_needs_sessions(tmp_path: Path) -> None:
    runtime = open_runtime(tmp_path, record=True, **{"runtime.sessions.enabled": False})
    with runtime, pytest.raises(NotEnabled, match="sessions are switched off"):
        runtime.run(b"return 1", name="work.lua")


def test_a_script_that_fails_is_recorded_up_to_there(tmp_path: Path) -> None:
    with open_runtime(tmp_path, record=True) as runtime:
        with pytest.raises(Exception, match="no luck"):
            runtime.run(SCRIPT.replace("return id", "error('no luck')").encode(), name="work.lua")
        (recorded,) = runtime.sessions.list(status="all", tags=["recording"])
        assert open_replays(runtime).overview(recorded.id).total_hooks == 3


def test_a_recording_that_cannot_be_written_warns_once_and_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "BATCH", 2)
    state, warnings = StateManager.with_backend("memory"), []
    sessions, hooks = Sessions(state, state, policies=Policies(max_sessions=1)), Hooks()
    sessions.create()
    made = Recording(sessions, "work", lambda message, fields: warnings.append((message, fields["problem"])))
    hooks.recorders.append(made)
    hooks.register("SystemStartup", lambda _: None)
    for _ in range(5):
        hooks.fire("SystemStartup", {})
    made.close()
    assert warnings == [("hooks are not recorded any more", "there are 1 active or suspended sessions already")]
    assert made.session_id == ""


def test_long_recordings_are_written_in_batches_and_outside_of_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "BATCH", 3)
    monkeypatch.setattr(recording, "MOST_WAITING", 6)
    state, warnings = StateManager.with_backend("memory"), []
    sessions, hooks = Sessions(state, state), Hooks()
    made = Recording(sessions, "work", lambda message, fields: warnings.append(message))
    hooks.recorders.append(made)
    hooks.register("SystemStartup", lambda _: None)
    with state.transaction():
        for _ in range(4):
            hooks.fire("SystemStartup", {})
    assert made.session_id == ""
    hooks.fire("SystemStartup", {})
    assert len(sessions.executions(made.session_id)) == 5
    with state.transaction():
        for _ in range(7):
            hooks.fire("SystemStartup", {})
    assert warnings == ["hooks are not recorded any more"]
