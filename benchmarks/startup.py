"""Start-up: the whole process, from `exec` to its end, with the store open."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Row, alternate, timed


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """`run` of an empty script in either language, beside `python -c pass` of the same interpreter."""
    python = sys.executable
    command = str(Path(python).with_name("llmspell"))
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LLMSPELL_"))
    } | {"XDG_CACHE_HOME": str(folder / "cache"), "LLMSPELL_STATE_PATH": str(folder / "startup")}
    config = folder / "startup.toml"
    config.write_text('[state]\nbackend = "disk"\n')
    sides = [[python, "-c", "pass"]]
    for name in ("empty.lua", "empty.js"):
        (folder / name).write_text("")
        sides.append([command, "-c", str(config), "run", str(folder / name)])

    def start(arguments: list[str]) -> float:
        return timed(lambda: subprocess.run(arguments, check=True, env=environment, stdout=subprocess.DEVNULL))

    bare, *runs = alternate([lambda side=side: start(side) for side in sides], rounds)  # type: ignore[misc]
    yield Row("`python -c pass`", bare, unit="ms")
    for language, times in zip(("Lua", "JavaScript"), runs, strict=True):
        row = Row(
            f"`llmspell run` of an empty script, {language}, store open", times, bare, "≤ 3", unit="ms", is_cost=True
        )
        yield Row(**{**row.__dict__, "is_met": (row.ratio or 0) <= 3})
