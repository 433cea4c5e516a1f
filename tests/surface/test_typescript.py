"""The TypeScript declarations, judged by the TypeScript compiler."""

import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from sample_globals import ALL

from llmspell.globals import ALL as REAL
from llmspell.surface import typescript

FOLDER = Path(__file__).parent / "typescript"
ADVICE = "".join(re.findall(r"^//   (.*)$", typescript.HEADER, re.MULTILINE))
OPTIONS = json.loads(ADVICE)["compilerOptions"] | {"exactOptionalPropertyTypes": True, "noUncheckedIndexedAccess": True}
"""What the declarations advise their users to set, and stricter."""

Problem = tuple[str, int, str]
Compile = Callable[[str, list[Path]], list[Problem]]


@pytest.fixture(scope="session")
def tsc() -> list[str]:
    """The command of the pinned compiler, installed on first use; one worker installs, the others wait."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _do_without("node and npm are not installed")
    pinned = json.loads((FOLDER / "package.json").read_text())["devDependencies"]["typescript"]
    package = FOLDER / "node_modules" / "typescript" / "package.json"
    with (FOLDER / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not package.exists() or json.loads(package.read_text())["version"] != pinned:
            command = [npm, "ci", "--no-fund", "--no-audit", "--ignore-scripts"]
            done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120)
            if done.returncode != 0:
                _do_without(f"npm could not install typescript {pinned}: {done.stderr[-500:]}")
    return [node, str(FOLDER / "node_modules" / "typescript" / "bin" / "tsc")]


def _do_without(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def compile(tsc: list[str], tmp_path: Path) -> Compile:
    """Check sources against declarations; every problem as (file name, line, code)."""

    def run(declarations: str, sources: list[Path]) -> list[Problem]:
        stub = tmp_path / "llmspell.d.ts"
        stub.write_text(declarations)
        project = {"compilerOptions": OPTIONS, "files": [str(path) for path in (stub, *sources)]}
        (tmp_path / "tsconfig.json").write_text(json.dumps(project))
        command = [*tsc, "--project", str(tmp_path), "--pretty", "false"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120)
        found = re.findall(r"^(\S+)\((\d+),\d+\): error (TS\d+):", done.stdout, re.MULTILINE)
        assert (done.returncode == 0) == (not found), done.stdout + done.stderr
        return sorted((Path(file).name, int(line), code) for file, line, code in found)

    return run


def marks(source: Path) -> Iterator[Problem]:
    for number, line in enumerate(source.read_text().splitlines(), 1):
        _, _, codes = line.partition("// error ")
        yield from ((source.name, number, code) for code in codes.split())


def test_right_use_of_the_sample_passes(compile: Compile) -> None:
    assert compile(typescript.render(ALL), [FOLDER / "sample" / "good.ts"]) == []


def test_wrong_use_of_the_sample_fails_where_it_is_marked(compile: Compile) -> None:
    source = FOLDER / "sample" / "bad.ts"
    assert compile(typescript.render(ALL), [source]) == sorted(marks(source))


def test_declarations_of_no_globals_are_valid(compile: Compile) -> None:
    assert compile(typescript.render([]), []) == []


def test_lock_file_pins_the_compiler_and_names_no_host() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    pinned = json.loads((FOLDER / "package.json").read_text())["devDependencies"]["typescript"]
    packages = [package for path, package in lock["packages"].items() if path]
    assert [package["version"] for package in packages] == [pinned]
    assert all("integrity" in package and "resolved" not in package for package in packages)


def test_right_use_of_the_globals_passes(compile: Compile) -> None:
    assert compile(typescript.render(REAL), [FOLDER / "good.ts"]) == []


def test_wrong_use_of_the_globals_fails_where_it_is_marked(compile: Compile) -> None:
    source = FOLDER / "bad.ts"
    assert compile(typescript.render(REAL), [source]) == sorted(marks(source))
