"""Every documented failure: its exit status, its code, its sentence, and no traceback."""

import pytest

from llmspell.cli.app import NOT_BUILT
from llmspell.errors import by_code
from tests.cli.conftest import Shell

FAILURES: dict[str, tuple[list[str], int, str, str]] = {
    # command line, exit status, code, part of the sentence
    "script error": (["exec", "error('boom')"], 1, "script", "boom"),
    "syntax error": (["exec", "return return"], 1, "script", "unexpected symbol"),
    "javascript error": (["exec", "--engine", "javascript", "throw new Error('boom')"], 1, "script", "boom"),
    "javascript syntax error": (["exec", "--engine", "javascript", "let let"], 1, "script", ""),
    "code of a global": (["exec", "State.save('a', 5, 1)"], 1, "bad_argument", "State.save: key (argument 2)"),
    "missing script": (["run", "nothing.lua"], 2, "bad_argument", "there is no script 'nothing.lua'"),
    "unreadable script": (["run", "loop.lua"], 2, "bad_argument", "cannot read the script 'loop.lua'"),
    "endless script": (["run", "/dev/zero"], 2, "bad_argument", "is larger than 64 MiB"),
    "folder as script": (["run", "home"], 2, "bad_argument", "cannot read the script 'home'"),
    "script that is no text": (["run", "latin1.lua"], 2, "bad_argument", "not UTF-8 text (byte 0xe9 in line 2)"),
    "unknown option": (["run", "a.lua", "--nothing"], 2, "bad_argument", "no such option: --nothing"),
    "unknown command": (["rnu"], 2, "bad_argument", "no such command 'rnu'. Did you mean 'run'?"),
    "script as command": (["a.lua"], 2, "bad_argument", "no such command 'a.lua'"),
    "missing argument": (["state", "get", "app"], 2, "bad_argument", "missing argument 'KEY'"),
    "too many arguments": (["state", "get", "app", "k", "x"], 2, "bad_argument", "extra argument"),
    "bad choice": (["run", "a.lua", "--engine", "ruby"], 2, "bad_argument", "'ruby' is not one of"),
    "bad number": (["run", "a.lua", "--timeout", "soon"], 2, "bad_argument", "--timeout"),
    "negative time": (["exec", "1", "--timeout", "-1"], 2, "bad_argument", "--timeout must be 0 to"),
    "no time at all": (["exec", "1", "--timeout", "nan"], 2, "bad_argument", "--timeout must be 0 to"),
    "value that is no JSON": (["state", "set", "app", "k", "hello"], 2, "bad_argument", "VALUE is not valid JSON"),
    "quiet and verbose": (["-q", "-v", "exec", "1"], 2, "bad_argument", "exclude each other"),
    "argument that is no text": (["exec", "1", "\udce9"], 2, "bad_argument", "argument 1 of the script is not UTF-8"),
    "missing config": (["-c", "none.toml", "exec", "1"], 3, "config", "none.toml"),
    "broken config": (["-c", "broken.toml", "exec", "1"], 3, "config", "broken.toml:2"),
    "unknown key": (["-c", "unknown.toml", "exec", "1"], 3, "config", "unknown.toml:2"),
    "wrong type": (["-c", "wrong.toml", "exec", "1"], 3, "config", "must be true or false"),
    "unknown profile": (["-p", "none", "exec", "1"], 3, "config", "there is no profile"),
    "part that is not built": (["-c", "later.toml", "exec", "1"], 3, "not_enabled", "no encryption yet"),
    "sessions that are off": (["exec", "--session", "s1", "1"], 3, "not_enabled", "sessions are switched off"),
    "principal without access control": (["exec", "--principal", "ann", "1"], 3, "not_enabled", "ann"),
    "store that is a file": (["-c", "file.toml", "exec", "1"], 4, "", "broken.toml"),
    "store that cannot be made": (["-c", "nowhere.toml", "exec", "1"], 4, "storage", "broken.toml is a file"),
    "missing value": (
        ["state", "get", "app", "nothing"],
        10,
        "not_found",
        "there is no value 'nothing' in scope 'app'",
    ),
    "missing value to delete": (["state", "delete", "app", "nothing"], 10, "not_found", "nothing"),
    "time limit": (["exec", "--timeout", "0.1", "while true do end"], 124, "timeout", "longer than 0.1 s"),
    "configured time limit": (["-c", "short.toml", "exec", "while true do end"], 124, "timeout", "longer than 0.1 s"),
    "memory limit": (["-c", "small.toml", "exec", "return string.rep('x', 1e9)"], 125, "limit_exceeded", "memory"),
    "instruction limit": (["-c", "few.toml", "exec", "while true do end"], 125, "limit_exceeded", "instructions"),
    "wrong scope": (["state", "keys", ""], 1, "invalid_scope", ""),
    **{
        f"llmspell {name}": ([name, "whatever", "--option"], 3, "not_enabled", f"llmspell {name}: this version has no")
        for name in NOT_BUILT
    },
}


@pytest.fixture
def furnished(shell: Shell) -> Shell:
    shell.file("a.lua", "return 1")
    shell.file("latin1.lua", b"-- a comment\nreturn 'caf\xe9'\n")
    shell.file("broken.toml", "[state]\nenabled = \n")
    shell.file("unknown.toml", "[state]\nenabeld = true\n")
    shell.file("wrong.toml", '[state]\nenabled = "yes"\n')
    shell.file("later.toml", "[state.security]\nencryption_enabled = true\n")
    shell.file("file.toml", '[state]\nbackend = "disk"\npath = "broken.toml"\n')
    shell.file("nowhere.toml", '[state]\nbackend = "disk"\npath = "broken.toml/store"\n')
    (shell.folder / "loop.lua").symlink_to("loop.lua")
    shell.file("short.toml", "[runtime]\nscript_timeout_seconds = 0.1\n")
    shell.file("small.toml", "[engines.lua]\nmemory_limit = 20000000\n")
    shell.file("few.toml", "[engines.lua]\nmax_instructions = 100000\n")
    return shell


@pytest.mark.parametrize("name", FAILURES)
def test_failure_has_its_exit_status_and_says_what_is_wrong(name: str, furnished: Shell) -> None:
    argv, status, _, sentence = FAILURES[name]
    ran = furnished(*argv)
    assert ran.status == status
    assert ran.out == ""
    assert "\nerror: " in "\n" + ran.err
    assert sentence in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", FAILURES)
def test_failure_in_json_is_one_document_on_standard_output(name: str, furnished: Shell) -> None:
    argv, status, code, sentence = FAILURES[name]
    ran = furnished("--output", "json", *argv)
    assert ran.status == status
    document = ran.json
    assert set(document) == {"error"}
    assert set(document["error"]) == {"code", "message", "hint", "exit_status"}
    assert document["error"]["exit_status"] == status
    assert document["error"]["code"] == code or not code
    assert sentence in document["error"]["message"]


def test_uncaught_error_of_a_script_keeps_the_exit_status_of_its_code(shell: Shell) -> None:
    for code, error in by_code().items():
        ran = shell("exec", f"error({{code = '{code}', message = 'on purpose'}})")
        assert ran.status in (1, error.exit_status), code


@pytest.mark.parametrize("status", [0, 1, 7, 255])
def test_exit_of_the_script_wins(status: int, shell: Shell) -> None:
    assert shell("exec", f"os.exit({status})").status == status
    assert shell("exec", "--engine", "javascript", f"exit({status})").status == status


def test_what_was_saved_before_the_failure_stays(shell: Shell) -> None:
    shell.disk()
    assert shell("exec", "State.save('app', 'k', 1) error('after')").status == 1
    assert shell("state", "get", "app", "k").out == "1\n"


def test_script_error_shows_place_excerpt_caret_stack_and_hint(shell: Shell) -> None:
    shell.file("notes.lua", 'local function inner()\n\tState.save("global", 5, 1)\nend\ninner()\n')
    assert shell("run", "notes.lua").err.splitlines() == [
        "error: State.save: key (argument 2) must be a string, got a number",
        '  notes.lua:2  State.save("global", 5, 1)',
        "               ^^^^^^^^^^",
        "  stack:",
        "    notes.lua:2 in inner",
        "    notes.lua:4 in the script",
    ]


def test_javascript_error_has_its_caret_under_the_column(shell: Shell) -> None:
    shell.file("a.js", "const fine = 1;\nconst worse = fine + missing;\n")
    lines = shell("run", "a.js").err.splitlines()
    assert "missing" in lines[0]
    assert lines[1] == "  a.js:2  const worse = fine + missing;"
    assert lines[2].index("^") == lines[1].index("missing")


def test_error_in_a_module_shows_the_line_of_the_module(shell: Shell) -> None:
    shell.file("llmspell.toml", '[runtime.security]\nallow_file_access = ["."]\n[engines.lua]\nstdlib = "full"\n')
    shell.file("helper.lua", "return function()\n  error('inside')\nend\n")
    shell.file("main.lua", "local help = require('helper')\nhelp()\n")
    ran = shell("run", "main.lua")
    assert "helper.lua:2  error('inside')" in ran.err


def test_long_line_is_shown_around_the_place(shell: Shell) -> None:
    shell.file("a.js", "/*" + "x" * 5000 + "*/ missing; /*" + "y" * 5000 + "*/")
    lines = shell("run", "a.js").err.splitlines()
    assert len(lines[1]) < 140
    assert lines[1][lines[2].index("^") :].startswith("missing")


def test_text_of_a_script_cannot_steer_the_terminal(shell: Shell) -> None:
    ran = shell("exec", r"error('\27[2Jgone\r')")
    assert "\x1b" not in ran.err
    assert r"\x1b[2Jgone" in ran.err


def test_absent_name_hints_at_the_key_that_enables_it(shell: Shell) -> None:
    shell.file("llmspell.toml", "[state]\nenabled = false\n")
    ran = shell("exec", "State.save('a', 'b', 1)")
    assert ran.status == 1
    assert "[state]" in ran.err


def test_debug_shows_the_traceback(shell: Shell) -> None:
    assert "Traceback (most recent call last)" in shell("--debug", "run", "nothing.lua").err


def test_errors_are_coloured_on_a_terminal_unless_no_color(shell: Shell) -> None:
    code = (
        "import os, pty, sys\n"
        "pid, terminal = pty.fork()\n"
        "if pid == 0: os.execv(sys.executable, [sys.executable, '-m', 'llmspell', 'run', 'nothing.lua'])\n"
        "said = b''\n"
        "try:\n"
        "    while part := os.read(terminal, 1000): said += part\n"
        "except OSError: pass\n"
        "os.waitpid(pid, 0); sys.stdout.buffer.write(said)\n"
    )
    python = shell.command()[0]
    assert "\x1b[31;1merror:" in shell.run([python, "-c", code], TERM="xterm").out
    assert "\x1b" not in shell.run([python, "-c", code], TERM="xterm", NO_COLOR="1").out
    assert "\x1b" not in shell("run", "nothing.lua", TERM="xterm").err


def test_no_command_shows_the_help_and_is_wrong_usage(shell: Shell) -> None:
    ran = shell()
    assert ran.status == 2
    assert "Usage: llmspell" in ran.out
