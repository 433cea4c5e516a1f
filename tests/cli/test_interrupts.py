"""Ctrl-C, SIGTERM and time limits end a script within a tenth of a second, whatever it does, and lose nothing."""

import signal
import subprocess
import time

import pytest

from tests.cli.conftest import Shell

LIMIT_SECONDS = 0.1
SLACK_SECONDS = 0.15
"""What a busy machine may add; on an idle one nothing is needed."""

READY = {"lua": 'print("ready") ', "javascript": 'print("ready"); '}
STUBBORN = {
    "lua loop": "while true do end",
    "lua pcall loop": "while true do pcall(function() while true do end end) end",
    "lua coroutine": "coroutine.wrap(function() while true do end end)()",
    "lua pattern": "local s = string.rep('a', 60) string.find(s, string.rep('a?', 60) .. string.rep('a', 60) .. 'b')",
    "lua sleep": "sleep(100)",
    "lua transaction": "State.transaction(function() while true do end end)",
    "lua saves": "while true do State.save('app', 'n', 1) end",
    "lua waiting for changes": "State.changes({since = 0, timeout = 100})",
    "javascript loop": "while (true) {}",
    "javascript try loop": "while (true) { try { while (true) {} } catch (e) {} }",
    "javascript promise": "await (async () => { while (true) {} })()",
    "javascript sleep": "sleep(100)",
    "javascript regular expression": "/^(a+)+$/.test('a'.repeat(60) + 'b')",
}
REASONS = {
    signal.SIGINT: (130, "error: interrupted\n"),
    signal.SIGTERM: (143, "error: terminated\n"),
}


def begin(shell: Shell, name: str, *options: str) -> "subprocess.Popen[bytes]":
    """The script, running and past its first line."""
    language = name.split()[0]
    process = shell.start("exec", "--engine", language, *options, READY[language] + STUBBORN[name])
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize("name", STUBBORN)
@pytest.mark.parametrize("number", REASONS, ids=["ctrl-c", "sigterm"])
def test_signal_ends_a_script_at_once(name: str, number: signal.Signals, shell: Shell) -> None:
    status, sentence = REASONS[number]
    process = begin(shell, name)
    time.sleep(0.02)
    started = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    took = time.monotonic() - started
    assert (process.returncode, err.decode()) == (status, sentence)
    assert took < LIMIT_SECONDS + SLACK_SECONDS


@pytest.mark.parametrize("name", STUBBORN)
def test_time_limit_ends_a_script_at_once(name: str, shell: Shell) -> None:
    started = time.monotonic()
    process = begin(shell, name, "--timeout", "0.3")
    begun = time.monotonic() - started
    _, err = process.communicate(timeout=30)
    took = time.monotonic() - started - begun
    assert process.returncode == 124
    assert err.decode().startswith("error: the script ran longer than 0.3 s\n")
    assert took < 0.3 + LIMIT_SECONDS + SLACK_SECONDS


@pytest.mark.parametrize("name", ["lua pattern", "lua sleep"])
def test_interrupted_script_in_json_is_one_document(name: str, shell: Shell) -> None:
    process = shell.start("exec", "--output", "json", "--timeout", "0.2", STUBBORN[name])
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 124
    assert out.startswith(b'{"error":{"code":"timeout"')
    assert out.count(b"\n") == 1


@pytest.mark.parametrize("number", REASONS, ids=["ctrl-c", "sigterm"])
@pytest.mark.parametrize("stuck", [False, True], ids=["in Lua", "in a C function"])
def test_what_was_saved_is_on_disk_also_when_syncs_are_grouped(
    number: signal.Signals, stuck: bool, shell: Shell
) -> None:
    shell.file("llmspell.toml", '[state]\nbackend = "disk"\npath = "./store"\nflush_every_ms = 60000\n')
    code = "State.save('app', 'k', 'kept') print('ready') " + STUBBORN["lua pattern" if stuck else "lua loop"]
    process = shell.start("exec", code)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == REASONS[number][0]
    assert shell("state", "get", "app", "k").out == '"kept"\n'


def test_other_commands_end_on_sigterm_too(shell: Shell) -> None:
    shell.disk()
    shell("state", "set", "app", "k", "1")
    process = shell.start("state", "changes", "--follow")
    assert process.stdout is not None
    assert process.stdout.readline().endswith(b"app  k\n")
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (143, b"error: terminated\n")


def test_interrupted_transaction_changes_nothing(shell: Shell) -> None:
    shell.disk()
    code = "State.transaction(function() State.save('app', 'k', 1) print('ready') while true do end end)"
    process = shell.start("exec", code)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert shell("state", "count", "app").out == "0\n"


def test_script_cannot_catch_the_end(shell: Shell) -> None:
    code = "print('ready') local ok = pcall(function() while true do end end) print('caught', ok) return 'went on'"
    process = shell.start("exec", code)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")


def test_time_limit_of_zero_is_none(shell: Shell) -> None:
    shell.file("llmspell.toml", "[runtime]\nscript_timeout_seconds = 0.05\n")
    assert shell("exec", "--timeout", "0", "sleep(0.2) return 'done'").out == "done\n"


def test_option_goes_before_the_configured_time_limit(shell: Shell) -> None:
    shell.file("llmspell.toml", "[runtime]\nscript_timeout_seconds = 0.05\n")
    assert shell("exec", "sleep(0.2)").status == 124
    assert shell("exec", "--timeout", "5", "sleep(0.2)").status == 0
