"""The blocks of docs/artifacts.md do what they say."""

import re
from pathlib import Path

from llmspell.config import load
from llmspell.runtime import Runtime

PAGE = (Path(__file__).parents[2] / "docs" / "artifacts.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(found)


def test_the_python_block() -> None:
    exec(compile(block("python"), "artifacts.md", "exec"), {})


def test_the_lua_block(tmp_path: Path) -> None:
    with Runtime(load(environ={}, cwd=str(tmp_path), overrides={"runtime.sessions.enabled": True})) as runtime:
        runtime.run((block("lua") + "assert(#Artifact.list(work) == 1)").encode(), name="artifacts.lua")


def test_the_commands_are_there() -> None:
    from llmspell.cli.artifact import COMMANDS

    assert {line.split()[3] for line in block("console").splitlines()} == COMMANDS.keys() - {"info"}
