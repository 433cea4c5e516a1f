"""The Python package as a library: its names, its cost, its examples, and every block of docs/python.md."""

import contextlib
import doctest
import importlib
import inspect
import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import llmspell
from llmspell import BadArgument, BadValue, Conflict, StateManager, StorageError, errors

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "python.md"
EXAMPLES = sorted((ROOT / "examples" / "python").glob("*.py"))
MODULES = [
    "agents.agent", "agents.conversation", "agents.message", "agents.state", "agents.states", "artifacts.artifacts",
    "events.events", "hooks.hooks", "replay.comparator", "sessions.sessions", "state.aio",
    "state.manager", "state.scope",
]  # fmt: skip
"""Those whose docstrings show how to use what a program imports from `llmspell`."""

SLOW = {"argparse", "asyncio", "dataclasses", "datetime", "enum", "inspect", "json", "logging", "re", "typing", "uuid"}


def imported(program: str) -> set[str]:
    """What a program imports, beyond what a bare interpreter does."""

    def modules(text: str) -> set[str]:
        command = [sys.executable, "-c", f"{text}\nimport sys\nprint(*sys.modules)"]
        return set(subprocess.run(command, capture_output=True, encoding="utf-8", cwd=ROOT, check=True).stdout.split())

    return modules(program) - modules("")


def test_every_public_name_is_there_and_every_error_is_public() -> None:
    for name in llmspell.__all__:
        assert getattr(llmspell, name) is not None
        assert name in dir(llmspell)
    classes = [errors.LlmspellError, *errors.LlmspellError.__subclasses__()]
    assert {cls.__name__ for cls in classes if cls.__module__ == errors.__name__} <= set(llmspell.__all__)
    assert llmspell.StateScope.agent("ada").text == "agent:ada"
    with pytest.raises(AttributeError, match="has no attribute 'StateManger'"):
        _ = llmspell.StateManger


def test_the_package_and_the_manager_cost_little_to_import() -> None:
    assert imported("import llmspell") == {"llmspell"}
    with_manager = imported("from llmspell import StateManager\nStateManager.with_backend('memory').get('s', 'k')")
    assert "llmspell.state.manager" in with_manager
    assert with_manager & SLOW == set()


def test_running_scripts_never_pays_for_agents_and_asyncio() -> None:
    program = (
        "from llmspell import Runtime, load_config\n"
        "with Runtime(load_config(overrides={'state.backend': 'memory'})) as runtime:\n"
        "    runtime.run(b'State.save(\"s\", \"k\", 1)', name='a.lua')"
    )
    needed = imported(program)
    assert "llmspell.languages.lua" in needed
    assert not {
        name for name in needed if name.startswith("llmspell.agents") or name in ("asyncio", "llmspell.state.aio")
    }


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "llmspell" / "py.typed").is_file()


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_do_what_they_show(name: str) -> None:
    module: ModuleType = importlib.import_module(f"llmspell.{name}")
    results = doctest.testmod(module, extraglobs={"StateManager": StateManager}, report=True)
    assert results.failed == 0
    assert results.attempted > 0


def test_every_docstring_with_an_example_is_in_a_module_that_is_tested() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "llmspell").rglob("*.py")}
    with_examples = {path for path, text in texts.items() if re.search(r"^ +>>> ", text, re.MULTILINE)}
    assert with_examples == {ROOT / "llmspell" / f"{name.replace('.', '/')}.py" for name in MODULES}


def blocks(text: str) -> list[tuple[str, str, int]]:
    """The kind, the content and the line of every fenced block."""
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(match[1], match[2], text.count("\n", 0, match.start()) + 2) for match in found]


def test_every_block_of_the_page_prints_what_stands_under_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in [name for name in os.environ if name.startswith("LLMSPELL_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    names: dict[str, Any] = {"__name__": "__main__"}
    kinds = []
    printed = ""
    for kind, content, line in blocks(PAGE.read_text(encoding="utf-8")):
        kinds.append(kind)
        if kind == "python":
            output = io.StringIO()
            # The empty lines make the line in a traceback that of the page.
            with contextlib.redirect_stdout(output):
                exec(compile("\n" * (line - 1) + content, str(PAGE), "exec"), names)
            printed = output.getvalue()
        else:
            assert printed == content, f"line {line} of {PAGE.name}"
    assert kinds == ["python", "text"] * (len(kinds) // 2)
    assert len(kinds) > 12


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_prints_what_its_header_says_and_again_on_the_same_store(path: Path, tmp_path: Path) -> None:
    header = inspect.getdoc(importlib.import_module(f"examples.python.{path.stem}")) or ""
    assert re.match(r"[A-Z].{20,}[.:]", header), "the first line says what the example shows"
    assert f"Run: python {path.relative_to(ROOT).as_posix()} [folder]" in header
    expected = inspect.cleandoc(header.partition("Prints:\n")[2]) + "\n"
    for _ in range(2):
        run = subprocess.run(
            [sys.executable, "-W", "error", path, tmp_path / "state"],
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            env={name: text for name, text in os.environ.items() if not name.startswith("LLMSPELL_")}
            | {"PYTHONPATH": str(ROOT)},
            timeout=60,
        )
        assert (run.stdout, run.stderr, run.returncode) == (expected, "", 0)


def test_there_are_examples() -> None:
    assert [path.name for path in EXAMPLES] == ["agent_state.py", "library.py"]


@pytest.fixture
def state() -> Iterator[StateManager]:
    with StateManager.with_backend("memory", correlation_id="run-1") as manager:
        yield manager


def test_values_go_in_and_out_as_python_values(state: StateManager) -> None:
    value = {"a": [1, 2.5, True, None, b"\xff", {"ä": -(2**63)}], 7: "int key"}
    state.set("s", "k", value, class_="trusted", ttl=60)
    before = state.version()
    state.set("s", "k", (1, 2), if_version=before)
    state.set("s", "l", 3)
    assert state.get("s", "k") == [1, 2]
    assert state.get("s", "k", at=before) == value
    assert state.get("s", "none", 5) == state.get("s", "l", 5, at=before) == 5
    assert state.items("s", reverse=True) == [("l", 3), ("k", [1, 2])]
    assert state.items("s", prefix="l", after="k", limit=1) == [("l", 3)]
    assert [revision.value for revision in state.history("s", "k")] == [[1, 2], value]
    state.set("s", "k", None)
    assert not state.exists("s", "k")
    assert [revision.value for revision in state.history("s", "k", limit=1)] == [None]
    with pytest.raises(Conflict):
        state.set("s", "l", 4, if_version=before)


def test_modify_is_atomic_and_deletes_with_none(state: StateManager) -> None:
    assert state.modify("s", "k", lambda value: [value, 1]) == [None, 1]
    assert state.modify("s", "k", lambda value: None) is None
    assert not state.exists("s", "k")

    def fail(value: object) -> object:
        state.set("s", "l", 1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        state.modify("s", "k", fail)
    with pytest.raises(BadValue):
        state.modify("s", "k", lambda _: float("inf"))
    assert state.list_scopes() == []

    def count() -> None:
        for _ in range(50):
            state.modify("s", "n", lambda number: (number or 0) + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.get("s", "n") == 200


def correlations(state: StateManager, key: str) -> list[str]:
    return [revision.correlation_id for revision in reversed(state.history("s", key))]


def test_a_correlation_holds_in_its_block_and_in_its_thread(state: StateManager) -> None:
    commits: list[str] = []
    state.listeners.append(lambda commit: commits.append(commit.correlation_id))
    other = StateManager.with_backend("memory", correlation_id="other")
    state.set("s", "k", 0)
    with state.with_correlation("request-7") as same:
        assert same is state
        state.set("s", "k", 1)
        with other.with_correlation("elsewhere"), state.with_correlation("inner"):
            state.set("s", "k", 2)
            other.set("s", "k", 2)
        thread = threading.Thread(target=state.set, args=("s", "k", 3))
        thread.start()
        thread.join()
        with suppress(ZeroDivisionError), state.with_correlation("failed"):
            raise ZeroDivisionError
        other.set("s", "k", 3)
        with state.transaction():
            state.set("s", "k", 4)
    state.set("s", "k", 5)
    assert correlations(state, "k") == commits == ["run-1", "request-7", "inner", "run-1", "request-7", "run-1"]
    assert correlations(other, "k") == ["elsewhere", "other"]
    assert [change.correlation_id for change in state.changes()[0]] == commits


@pytest.mark.parametrize("bad", ["", "x" * 256, "ä" * 128, "a\nb", "\ud800", 5, None])
def test_an_impossible_correlation_id_is_refused_at_once(bad: Any, state: StateManager) -> None:
    with pytest.raises(BadArgument, match="correlation id"):
        state.with_correlation(bad)
    with state.with_correlation("ä" * 127):
        state.set("s", "k", 1)
    assert correlations(state, "k") == ["ä" * 127]


def test_a_manager_closes_its_store_also_when_an_option_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="no schema version"):
        StateManager.with_backend("lmdb", path=tmp_path / "state", schema_version="one")
    with StateManager.with_backend("lmdb", path=tmp_path / "state") as state:
        state.set("s", "k", 1)
    with pytest.raises(StorageError, match="is closed"):
        state.get("s", "k")
    with pytest.raises(BadArgument, match="needs a path"):
        StateManager.with_backend("lmdb")
    with pytest.raises(BadArgument, match="unknown backend 'paper'"):
        StateManager.with_backend("paper")
