"""`llmspell session …` and `run --session`: what they print, where they store, and how they fail."""

import json
from pathlib import Path

import pytest

from .conftest import Shell

CONFIG = '[state]\nbackend = "disk"\npath = "./store"\n[runtime.sessions]\nenabled = true\n'
WORK = """
local work = Session.create{name = "report", tags = {"a"}}
Session.set_current(work)
for turn = 1, 3 do
  State.save("session:" .. work, "turn", turn)
  Session.save(work, {label = "t" .. turn})
end
return work
"""


@pytest.fixture
def work(shell: Shell) -> str:
    shell.file("llmspell.toml", CONFIG)
    return shell("exec", WORK).out.strip()


def test_what_a_script_did_is_listed_shown_and_told(shell: Shell, work: str) -> None:
    listed = shell("session", "list", "--output", "json").json
    assert [(row["id"], row["name"], row["operation_count"]) for row in listed] == [(work, "report", 3)]
    assert "report" in shell("session", "list").out
    assert shell("session", "list", "--status", "completed", "--output", "json").json == []
    assert shell("session", "list", "--tag", "b", "--output", "json").json == []
    assert shell("session", "show", work, "--output", "json").json["checkpoint_count"] == 3
    labels = [row["label"] for row in shell("session", "checkpoints", work, "--output", "json").json]
    assert labels == ["t1", "t2", "t3"]
    entries = shell("session", "timeline", work, "--kind", "state.saved", "--since", "2", "--output", "json").json
    assert [(entry["seq"], entry["key"]) for entry in entries] == [(4, "turn"), (6, "turn")]
    assert "checkpoint.saved" in shell("session", "timeline", work, "-l", "3").out


def test_timeline_follows_what_another_process_does(shell: Shell, work: str) -> None:
    process = shell.start("session", "timeline", work, "--since", "7", "--follow", "-l", "2", "--output", "json")
    shell("exec", "--session", work, f"State.save('session:{work}', 'more', 1) State.delete('session:{work}', 'more')")
    out, _ = process.communicate(timeout=30)
    assert [json.loads(line)["kind"] for line in out.decode().splitlines()] == ["state.saved", "state.deleted"]
    assert process.returncode == 0


def test_a_run_may_have_a_current_session(shell: Shell, work: str) -> None:
    ran = shell("exec", "--session", work, "State.save('global', 'n', 1) return Session.get_current()")
    assert ran.out.strip() == work
    assert shell("session", "timeline", work, "--output", "json").json[-1]["scope"] == "global"
    assert shell("exec", "return Session.get_current()").out == ""
    assert shell("exec", "--session", "nobody", "return 1").status == 10
    shell("exec", f"Session.complete('{work}')")
    ended = shell("exec", "--session", work, "return 1", "--output", "json")
    assert (ended.status, ended.json["error"]["code"]) == (1, "invalid_transition")


def test_fork_and_delete(shell: Shell, work: str) -> None:
    fork = shell("session", "fork", work, "--checkpoint", "t2", "--name", "again").out.strip()
    assert shell("state", "get", f"session:{fork}", "turn").out.strip() == "2"
    assert shell("session", "delete", fork).status == 1
    assert shell("session", "delete", fork, "--force").status == 0
    assert shell("session", "show", fork).status == 10
    assert shell("session", "fork", work, "--checkpoint", "t9").status == 10
    assert shell("check").status == 0


def test_a_session_travels_in_one_file(shell: Shell, work: str) -> None:
    assert shell("session", "export", work, "-o", "report.session").status == 0
    assert shell("session", "import", "report.session").status == 1
    copy = shell("session", "import", "report.session", "--as-new").out.strip()
    assert copy != work
    shell("exec", f"Session.load('{copy}', {{checkpoint = 't1'}})")
    assert shell("state", "get", f"session:{copy}", "turn").out.strip() == "1"
    whole = (shell.folder / "report.session").read_bytes()
    shell.file("cut", whole[:-20])
    shell.file("other", "not a session")
    for broken in ("cut", "other"):
        failed = shell("session", "import", broken, "--as-new", "--output", "json")
        assert (failed.status, failed.json["error"]["code"]) == (4, "corrupt")
    assert shell("session", "import", "nowhere").status == 2
    assert len(shell("session", "list", "--output", "json").json) == 2
    assert shell("check").status == 0


def test_sessions_may_have_a_store_of_their_own(shell: Shell) -> None:
    separate = '[runtime.sessions]\nenabled = true\nstorage_backend = "sled"\n'
    shell.file("llmspell.toml", '[state]\nbackend = "disk"\npath = "./store"\n' + separate)
    work = shell("exec", WORK, LLMSPELL_SESSION_PATH="./elsewhere").out.strip()
    assert (shell.folder / "elsewhere" / "data.mdb").exists()
    assert not (shell.folder / "sessions").exists()
    here = {"LLMSPELL_SESSION_PATH": "./elsewhere"}
    assert shell("exec", f"Session.load('{work}', {{checkpoint = 't2'}})", **here).status == 0
    assert shell("state", "get", f"session:{work}", "turn").out.strip() == "2"
    assert shell("session", "list", "--output", "json").json == []
    checked = shell("check", "--output", "json", **here).json
    assert checked["sound"]
    assert checked["entries"] > shell("check", "--output", "json", LLMSPELL_SESSION_PATH="./empty").json["entries"]
    same = shell("exec", "State.save('s', 'k', 1) return Session.create{}", LLMSPELL_SESSION_PATH="./store").out.strip()
    assert [
        row["id"] for row in shell("session", "list", "--output", "json", LLMSPELL_SESSION_PATH="./store").json
    ] == [same]


def test_without_sessions_the_commands_say_how_to_get_them(shell: Shell, tmp_path: Path) -> None:
    failed = shell("session", "list", "--output", "json")
    assert (failed.status, failed.json["error"]["code"]) == (3, "not_enabled")
    failed = shell("exec", "return Session.list()")
    assert "[runtime.sessions]" in failed.err
