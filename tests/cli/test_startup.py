"""The start of `run`: what it imports, and what it costs beside a bare interpreter."""

import subprocess
import sys
import time

import pytest

from tests.cli.conftest import Shell

SLOW = {
    "argparse", "asyncio", "ctypes", "dataclasses", "datetime", "enum", "hashlib", "importlib", "importlib.metadata", "inspect",
    "json", "logging", "msgpack", "pathlib", "pydantic", "re", "rich", "signal", "subprocess", "threading", "tomllib", "typer",
    "typing", "uuid",
}  # fmt: skip
"""Each costs 1 to 60 ms, and a script that needs none of them shall not pay."""
OF_LUPA = {"collections", "contextlib", "functools"}
"""Lua's binding imports them itself."""

ENTRY = "from llmspell.cli.main import entry; entry()"
CEILING = 4.0
"""The target is 3 (docs, Performance); what is more is the noise of a machine that runs other tests beside this one."""


def imported(shell: Shell, *command: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        capture_output=True,
        text=True,
        cwd=shell.folder,
        env=shell.environment,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}


@pytest.fixture
def warm(shell: Shell) -> Shell:
    """A shell with the state on disk, whose configuration has been loaded before."""
    shell.disk()
    shell.file("a.lua", 'State.save("app", "k", {a = 1}) assert(State.load("app", "k").a == 1) print("done")')
    shell.file("a.js", 'State.save("app", "k", {a: 1}); if (State.load("app", "k").a !== 1) throw 1; null')
    for script in ("a.lua", "a.js"):
        assert shell("run", script).status == 0
    return shell


@pytest.mark.parametrize("script", ["a.lua", "a.js"])
def test_a_script_that_saves_and_loads_imports_nothing_slow(script: str, warm: Shell) -> None:
    bare = imported(warm, "-c", "pass")
    needed = imported(warm, "-c", ENTRY, "-q", "run", script)
    assert "llmspell.cli.run" in needed
    assert needed & (SLOW if script == "a.lua" else SLOW | OF_LUPA) - bare == set()


def test_other_commands_do_not_open_an_engine(warm: Shell) -> None:
    needed = imported(warm, "-c", ENTRY, "state", "scopes")
    assert "typer" in needed
    assert not needed & {"lupa.lua54", "_quickjs"}


def test_the_whole_process_costs_a_few_bare_interpreters(warm: Shell) -> None:
    warm.file("empty.lua", "")
    # Byte-code is kept, as in every installation.
    del warm.environment["PYTHONDONTWRITEBYTECODE"]
    warm.environment["PYTHONPYCACHEPREFIX"] = str(warm.folder / "cache")
    assert warm("run", "empty.lua").status == 0
    ratios = []
    for _ in range(15):
        bare = seconds(warm, "-c", "pass")
        ratios.append(seconds(warm, "-c", ENTRY, "run", "empty.lua") / bare)
    assert sorted(ratios)[3] < CEILING


def seconds(shell: Shell, *command: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *command], cwd=shell.folder, env=shell.environment, check=True)
    return time.perf_counter() - started
