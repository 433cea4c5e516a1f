"""What the README tells a user to do works, and prints what it says."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Shell

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = BLOCK.findall(TEXT)


@pytest.fixture
def user(shell: Shell) -> Shell:
    """A user whose shell knows the `llmspell` command."""
    command = shell.file("bin/llmspell", f'#!/bin/sh\nexec "{sys.executable}" -m llmspell "$@"\n')
    command.chmod(0o755)
    shell.environment["PATH"] = f"{command.parent}:{shell.environment['PATH']}"
    shell.environment["PYTHONWARNINGS"] = "ignore"
    return shell


def test_every_command_of_the_readme_prints_what_it_says(user: Shell) -> None:
    following = [*BLOCKS[1:], ("", "")]
    ran = 0
    for (kind, script), (next_kind, expected) in zip(BLOCKS, following, strict=True):
        if kind == "sh":
            done = user.run(["sh", "-e", "-c", script])
            assert done.status == 0, (script, done.err)
            assert next_kind == "text", f"the README does not say what this prints:\n{script}"
            assert done.out == expected
            ran += 1
    assert ran >= 6


def test_python_of_the_readme_runs(user: Shell) -> None:
    assert user("init").status == 0
    scripts = [text for kind, text in BLOCKS if kind == "python"]
    assert scripts
    for script in scripts:
        done = user.run([sys.executable, "-c", script])
        assert (done.status, done.err) == (0, "")


def test_make_targets_of_the_readme_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = re.findall(r"^\$ make ([a-z-]+)", TEXT, re.MULTILINE) + re.findall(r"`make ([a-z-]+)`", TEXT)
    assert named
    assert set(named) <= set(targets)


def test_ci_runs_the_targets_that_the_readme_names() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for target in ("check", "test", "demo"):
        assert re.search(rf"^make .*\b{target}\b", ci, re.MULTILINE), target


def test_make_lists_its_targets() -> None:
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("venv", "demo", "test", "test-crash", "check", "generate", "bench", "clean"):
        assert f"make {target} " in done.stdout


def test_files_that_the_readme_links_to_exist() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (ROOT / link).exists(), link


def test_command_table_names_every_command() -> None:
    from llmspell.cli import app

    table = TEXT[TEXT.index("| command | does |") : TEXT.index("```sh\nllmspell state set")]
    for command in app.build().registered_commands:
        name = command.name or ""
        assert command.hidden or f"`{name}" in table or f"config {name}" in table, name


def test_state_paths_are_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert "/llmspell_state/" in ignored
    assert Path(ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
