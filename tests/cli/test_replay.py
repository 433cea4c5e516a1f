"""`llmspell session replay`: with the hooks of a script, once and on a schedule."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

CONFIG = '[state]\nbackend = "disk"\npath = "./store"\n[runtime.sessions]\nenabled = true\n'
HOOKS = {
    "lua": """
      Hook.register("BeforeStateWrite", function(context)
        return {type = "modified", data = {new_value = {context.data.new_value[1] * FACTOR}}}
      end, {name = "scale", scope = "numbers"})
    """,
    "js": """
      Hook.register('BeforeStateWrite', (context) => (
        { type: 'modified', data: { new_value: [context.data.new_value[0] * FACTOR] } }
      ), { name: 'scale', scope: 'numbers' })
    """,
}
WORK = """
  local id = Session.create({name = "work"})
  Session.set_current(id)
  State.save("numbers", "a", {1})
  State.save("numbers", "b", {10})
  return id
"""


@pytest.fixture
def session(shell: Shell) -> str:
    """The id of a session with two recorded executions; `same` and `other` are scripts with hooks in both languages."""
    shell.file("llmspell.toml", CONFIG)
    shell.file("work.lua", "FACTOR = 2" + HOOKS["lua"] + WORK)
    for language, assignment in (("lua", "FACTOR = {}"), ("js", "globalThis.FACTOR = {}")):
        shell.file(f"same.{language}", assignment.format(2) + HOOKS[language])
        shell.file(f"other.{language}", assignment.format(3) + HOOKS[language])
    return shell("run", "work.lua").out.strip()


def contents(shell: Shell) -> bytes:
    return (shell.folder / "store" / "data.mdb").read_bytes()


@pytest.mark.parametrize("language", ["lua", "js"])
def test_the_hooks_of_a_script_are_replayed(shell: Shell, session: str, language: str) -> None:
    before = contents(shell)
    ran = shell("session", "replay", session, "--script", f"same.{language}", "--output", "json")
    assert (ran.status, ran.err) == (0, "")
    assert (ran.json["hooks_replayed"], ran.json["successful_replays"], ran.json["differences"]) == (2, 2, [])
    assert ran.json["metadata"]["identical"] is True
    changed = shell("session", "replay", session, "--script", f"other.{language}", "--output", "json")
    assert changed.status == 1
    place = "$.data.new_value[1]" if language == "lua" else "$.data.new_value[0]"
    found = [(each["hook"], each["path"], each["description"]) for each in changed.json["differences"]]
    assert found == [("scale", place, "was 2, is 3"), ("scale", place, "was 20, is 30")]
    assert contents(shell) == before
    assert shell("state", "get", "numbers", "a").out.strip() == "[2]"


def test_text_tells_facts_and_differences(shell: Shell, session: str) -> None:
    ran = shell("session", "replay", session, "--script", "other.lua")
    assert ran.status == 1
    lines = [line.split() for line in ran.out.splitlines()]
    assert ["hooks_replayed", "2"] in lines
    assert ["mode", "exact"] in lines
    assert "scale  $.data.new_value[1]  major     was 20, is 30" in ran.out


def test_set_changes_the_inputs(shell: Shell, session: str) -> None:
    ran = shell(
        "session", "replay", session, "--script", "same.lua", "--output", "json", "--set", "data.new_value[1]=50",
        "--set", 'context.metadata={"why": "test"}',
    )  # fmt: skip
    assert ran.status == 0
    assert ran.json["metadata"]["mode"] == "modified"
    assert [each["description"] for each in ran.json["differences"]] == ["was 2, is 100", "was 20, is 100"]
    quiet = shell("session", "replay", session, "--script", "same.lua", "--output", "json", "--mode", "simulate")
    assert (quiet.status, quiet.json["differences"]) == (0, [])


def test_bounds_filter_and_debug(shell: Shell, session: str) -> None:
    def replayed(*arguments: str) -> dict[str, object]:
        ran = shell("session", "replay", session, "--script", "same.lua", "--output", "json", *arguments)
        assert ran.status == 0, ran.err
        found: dict[str, object] = ran.json
        return found

    assert replayed("--to", "2")["hooks_replayed"] == 1
    assert replayed("--from", "2030-01-01T00:00:00Z")["hooks_replayed"] == 0
    assert replayed("--hook-filter", "After*")["hooks_replayed"] == 0
    steps = replayed("--mode", "debug", "--to", "2")["metadata"]["steps"]  # type: ignore[index]
    assert [step["output"] for step in steps] == [{"type": "modified", "data": {"new_value": [2]}}]


def test_without_a_script_its_hooks_are_gone(shell: Shell, session: str) -> None:
    ran = shell("session", "replay", session)
    assert ran.status == 1
    assert "no hook waits at BeforeStateWrite any more" in ran.out


def test_a_schedule_replays_again_and_again(shell: Shell, session: str) -> None:
    ran = shell(
        "session", "replay", session, "--script", "same.js", "--schedule", "interval:0,0.05,3", "--output", "json"
    )  # fmt: skip
    assert ran.status == 0
    assert [json.loads(line)["successful_replays"] for line in ran.out.splitlines()] == [2, 2, 2]
    once = shell("session", "replay", session, "--script", "same.lua", "--schedule", "once:0", "--output", "json")
    assert (once.status, len(once.out.splitlines())) == (0, 1)
    two = shell(
        "session", "replay", session, "--script", "other.lua", "--schedule", "interval:0.01", "--max-runs", "2"
    )  # fmt: skip
    assert (two.status, two.out.count("hooks_replayed")) == (1, 2)


@pytest.mark.parametrize("script", ["same.lua", "same.js"])
def test_ctrl_c_ends_a_schedule(shell: Shell, session: str, script: str) -> None:
    process = shell.start(
        "session", "replay", session, "--script", script, "--schedule", "interval:0,60", "--output", "json"
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["successful_replays"] == 2
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"interrupted" in err
    assert json.loads(out)["error"]["code"] == "interrupted"


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("nobody", "--script", "same.lua"), 10, "there is no session 'nobody'"),
        (("ID", "--mode", "fast"), 2, "there is no replay mode 'fast'"),
        (("ID", "--set", "data.x"), 2, "is no PATH=VALUE"),
        (("ID", "--set", "data.x=yes"), 2, "is no JSON"),
        (("ID", "--set", "point=1"), 2, "leads to nothing that can be modified"),
        (("ID", "--mode", "exact", "--set", "data.x=1"), 2, "without modifications"),
        (("ID", "--schedule", "daily"), 2, "'daily' is no schedule"),
        (("ID", "--schedule", "cron:* * * *"), 2, "is no cron expression"),
        (("ID", "--schedule", "cron:0 2 * * *", "--zone", "Moon"), 2, "there is no time zone 'Moon'"),
        (("ID", "--timeout", "0"), 2, "timeout must be above 0"),
        (("ID", "--script", "none.lua"), 2, "there is no script 'none.lua'"),
        (("ID", "--script", "broken.lua"), 1, "no luck"),
    ],
)
def test_what_is_wrong_is_said(
    shell: Shell, session: str, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    shell.file("broken.lua", "error('no luck')")
    ran = shell("session", "replay", *(session if word == "ID" else word for word in arguments))
    assert (ran.status, ran.out) == (status, "")
    assert sentence in ran.err


def test_a_script_that_ends_itself_is_refused(shell: Shell, session: str) -> None:
    shell.file("exits.lua", (Path(shell.folder) / "same.lua").read_text() + "os.exit(0)")
    ran = shell("session", "replay", session, "--script", "exits.lua")
    assert (ran.status, ran.out) == (1, "")
    assert "the script 'exits.lua' ended itself, and its hooks with it: nothing was replayed" in ran.err
