"""Every example runs as its own header says, on a store of its own, and prints to the letter what is written down for it.

What an example prints is in `expected/<topic>/<name>.txt`, one file for the twins in both languages; where a language
must differ, `<name>.lua.txt` and `<name>.js.txt`. A second run on the same store prints the same again, unless there is
`<name>.second.txt`.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import pytest

from llmspell.state.manager import StateManager

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples"
EXPECTED = Path(__file__).parent / "expected"
COMMENTS = {".lua": "--", ".js": "//"}
LANGUAGES = {".lua": "lua", ".js": "javascript"}
LONGEST_RUN = 60


@dataclass(frozen=True)
class Example:
    """One file of `examples/<language>/<topic>/`."""

    path: Path

    @property
    def file(self) -> str:
        """The path as the header's command writes it."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def subject(self) -> str:
        """What it has in common with its twin: `state/history`."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def header(self) -> list[str]:
        """The lines of the comment that the file begins with, without their marks."""
        mark = COMMENTS[self.path.suffix]
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return [line.removeprefix(mark).strip() for line in takewhile(lambda line: line.startswith(mark), lines)]

    @property
    def commands(self) -> list[str]:
        """Every command line in the header, the one after `Run:` first."""
        found = [re.findall(r"llmspell -[^;&]*", line) for line in self.header]
        return [command.strip() for commands in found for command in commands]

    @property
    def command(self) -> list[str]:
        """The words of the command after `Run:`; fails the test when the header has none."""
        if not self.commands:
            pytest.fail(f"the comment at the head of {self.file} does not say how to run it")
        return shlex.split(self.commands[0])

    def expected(self, variant: str = "") -> str:
        """What a run prints; fails the test when nobody has written it down."""
        candidates = [f"{self.subject}{variant}{self.path.suffix}.txt", f"{self.subject}{variant}.txt"]
        for candidate in candidates:
            if (EXPECTED / candidate).exists():
                return (EXPECTED / candidate).read_text(encoding="utf-8")
        pytest.fail(f"{self.file} has no expected output: write it down in tests/examples/expected/{candidates[-1]}")

    def expected_again(self) -> str:
        """What a second run on the same store prints."""
        return self.expected(".second" if (EXPECTED / f"{self.subject}.second.txt").exists() else "")

    @staticmethod
    def places(state: Path) -> dict[str, str]:
        """The environment that puts the store at `state` and the backups beside it."""
        return {"LLMSPELL_STATE_PATH": str(state), "LLMSPELL_STATE__BACKUP__BACKUP_DIR": f"{state}-backups"}

    @contextmanager
    def started(self, state: Path, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """The header's command, running with its state at `state`; killed at the end of the block."""
        environment = {name: text for name, text in os.environ.items() if not name.startswith("LLMSPELL_")}
        with subprocess.Popen(
            [sys.executable, "-m", *self.command, *arguments],
            cwd=ROOT,
            env=environment | self.places(state) | {"PYTHONWARNINGS": "error"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def run(self, state: Path, *arguments: str) -> str:
        """What it prints; fails unless it ends with status 0 and nothing on standard error."""
        with self.started(state, *arguments) as process:
            output, errors = process.communicate(timeout=LONGEST_RUN)
        assert (process.returncode, errors) == (0, ""), f"{self.file}\n{output}{errors}"
        return output


EXAMPLES = [Example(path) for path in sorted(FOLDER.rglob("*")) if path.suffix in COMMENTS]
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.file)


def in_language(suffix: str) -> dict[str, Example]:
    return {example.subject: example for example in EXAMPLES if example.path.suffix == suffix}


@each_example
def test_an_example_prints_what_is_written_down_and_succeeds_again_on_the_same_store(
    example: Example, tmp_path: Path
) -> None:
    assert example.run(tmp_path / "state") == example.expected()
    assert example.run(tmp_path / "state") == example.expected_again()


@each_example
def test_the_header_says_what_it_shows_which_config_it_needs_and_how_to_run_it(example: Example) -> None:
    first = example.header[0]
    assert re.fullmatch(r"[A-Z].{20,}[.,].*", first), "the first line says what the example shows"
    config = next(line.split()[1] for line in example.header if line.startswith("Config: "))
    assert (ROOT / config).is_file()
    assert f"Run:    llmspell -c {config} run {example.file}" in example.header
    for command in example.commands:
        assert re.fullmatch(rf"llmspell -c {re.escape(config)} run {re.escape(example.file)}( \w+)*", command)


def test_every_file_of_the_examples_is_one_that_these_tests_run() -> None:
    files = {path for path in FOLDER.rglob("*") if path.is_file() and path.name != "README.md"}
    files -= set((FOLDER / "python").glob("*.py"))  # those are run by tests/test_python_api.py
    assert files - {example.path for example in EXAMPLES} == set()
    for example in EXAMPLES:
        language = LANGUAGES[example.path.suffix]
        assert example.path == FOLDER / language / f"{example.subject}{example.path.suffix}"


def test_every_example_has_its_twin_in_the_other_language() -> None:
    assert set(in_language(".lua")) == set(in_language(".js")) != set()


def test_every_expected_text_belongs_to_an_example() -> None:
    subjects = {example.subject for example in EXAMPLES}
    texts = {path.relative_to(EXPECTED).as_posix() for path in EXPECTED.rglob("*.txt")}
    assert {text for text in texts if text.split(".")[0] not in subjects} == set()


def test_all_examples_live_in_one_store_and_their_twins_find_what_they_left(tmp_path: Path) -> None:
    for example in in_language(".lua").values():
        assert example.run(tmp_path / "state") == example.expected(), example.file
    for example in in_language(".js").values():
        assert example.run(tmp_path / "state") == example.expected_again(), example.file


@pytest.mark.parametrize("suffixes", [(".lua", ".lua"), (".js", ".js"), (".lua", ".js")], ids=" and ".join)
def test_two_processes_that_count_at_once_lose_nothing(suffixes: tuple[str, str], tmp_path: Path) -> None:
    state = tmp_path / "state"
    counters = [in_language(suffix)["state/counters"] for suffix in suffixes]
    with StateManager.with_backend("lmdb", path=str(state), transaction_timeout_ms=0) as manager, ExitStack() as stack:
        with manager.transaction():  # both are past their start, and wait, before either may count
            processes = [stack.enter_context(counter.started(state)) for counter in counters]
            heads = [process.stdout.readline() for process in processes if process.stdout is not None]
        for counter, head, process in zip(counters, heads, processes, strict=True):
            rest, errors = process.communicate(timeout=LONGEST_RUN)
            assert (process.returncode, errors, head + rest) == (0, "", counter.expected())
        first, second = runs_of(manager)
        assert first[0] < second[-1]
        assert second[0] < first[-1]
    assert counters[0].run(state, "report") == counters[0].expected(".report")


@pytest.mark.parametrize(("watching", "ordering"), [(".lua", ".js"), (".js", ".lua")])
def test_a_process_hears_of_what_another_one_saves(watching: str, ordering: str, tmp_path: Path) -> None:
    watcher, orderer = (in_language(suffix)["events/across_processes"] for suffix in (watching, ordering))
    with watcher.started(tmp_path / "state", "watch") as process:
        orders = orderer.run(tmp_path / "state", "order")
        shipped, errors = process.communicate(timeout=LONGEST_RUN)
    assert (process.returncode, errors) == (0, "")
    assert orders + shipped == watcher.expected()


def runs_of(manager: StateManager) -> list[list[int]]:
    """The versions that each run has committed."""
    versions: dict[str, list[int]] = {}
    for change in manager.changes(scope="site", prefix="views")[0]:
        versions.setdefault(change.correlation_id, []).append(change.version)
    return list(versions.values())
