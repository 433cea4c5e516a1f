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
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import llmspell
from llmspell import errors

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "python.md"
EXAMPLES = sorted((ROOT / "examples" / "python").glob("*.py"))
MODULES = [
    "agents.agent", "agents.conversation", "agents.message", "agents.state", "agents.states", "state.aio",
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


def test_the_package_says_that_it_is_typed_and_is() -> None:
    assert (ROOT / "llmspell" / "py.typed").is_file()
    untyped = []
    for cls in (getattr(llmspell, name) for name in llmspell.__all__):
        if not inspect.isclass(cls):
            continue
        for name, member in inspect.getmembers(cls, inspect.isfunction):
            if name.startswith("_") and name != "__init__":
                continue
            signature = inspect.signature(member)
            given = [parameter for parameter in signature.parameters.values() if parameter.name != "self"]
            bare = [parameter.name for parameter in given if parameter.annotation is parameter.empty]
            if bare or (signature.return_annotation is signature.empty and name != "__init__"):
                untyped.append(f"{cls.__name__}.{name}: {bare}")
    assert untyped == []


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_do_what_they_show(name: str) -> None:
    module: ModuleType = importlib.import_module(f"llmspell.{name}")
    results = doctest.testmod(module, extraglobs={"StateManager": llmspell.StateManager}, report=True)
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
