"""The parser of the fast path and Typer agree on every command line of `run` and `exec`."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import llmspell.cli.run
from llmspell.cli import app
from llmspell.cli.options import COMMANDS, GLOBAL, Command, Option, parse, spell_out

FLAGS = [flag for option in GLOBAL for flag in option.flags] + ["--timeout", "--principal", "--session", "--watch"]


@pytest.fixture(scope="module")
def typed() -> Any:
    """What Typer makes of a command line: (command, values), or the exit status when it refuses it."""
    seen: list[tuple[str, dict[str, Any]]] = []

    def remember(name: str) -> Any:
        def act(values: dict[str, Any]) -> int:
            seen.append((name, values))
            return 0

        return act

    built = app.build()
    patch = pytest.MonkeyPatch()
    patch.setattr(llmspell.cli.run, "run", remember("run"))
    patch.setattr(llmspell.cli.run, "execute", remember("exec"))
    patch.setattr(app, "build", lambda **_: built)

    def ask(argv: list[str]) -> "tuple[str, dict[str, Any]] | int":
        seen.clear()
        status = app.dispatch(spell_out(argv))
        return seen[0] if seen else status

    yield ask
    patch.undo()


UNDERSTOOD = [
    "run a.lua",
    "run -",
    "run a.lua b c",
    "run a.lua -- -b --c -- d",
    "run -- a.lua -b",
    "run a.lua --output json",
    "--output json run a.lua",
    "--output json run a.lua --output text",
    "-c one run a.lua -c two",
    "-cone run a.lua -c=two",
    "--config=one run a.lua",
    "--config= run a.lua",
    "-q run -v a.lua",
    "-p fast --engine javascript run a.js --log-format json --debug",
    "run --timeout 2.5 --principal me --session s1 --watch a.lua",
    "run --timeout=0 a.lua",
    "run --principal --watch a.lua",
    "exec code",
    "exec code -- -x",
    "-e code",
    "-e code --output json a",
    "-q -e code",
    "-c file -e code",
    "-c -e run a.lua",
]

REFUSED = [
    "",
    "run",
    "exec",
    "-e",
    "run a.lua --nothing",
    "run a.lua -x",
    "run a.lua --output",
    "run a.lua --output xml",
    "run a.lua --engine ruby",
    "run a.lua --timeout soon",
    "run a.lua --watch=yes",
    "run --timeout",
    "--timeout 5 run a.lua",
    "rum a.lua",
    "-x run a.lua",
    "run --outp json a.lua",
]


@pytest.mark.parametrize("line", UNDERSTOOD)
def test_both_parsers_read_the_same(line: str, typed: Any) -> None:
    argv = line.split()
    fast = parse(argv)
    assert fast is not None
    assert typed(argv) == fast


@pytest.mark.parametrize("line", REFUSED)
def test_what_typer_refuses_the_fast_parser_gives_up(line: str, typed: Any) -> None:
    argv = line.split()
    assert parse(argv) is None
    assert typed(argv) == 2


@pytest.mark.parametrize(
    "line", ["run --help", "run a.lua -h", "--help", "--version", "state keys app", "-qv run a.lua"]
)
def test_help_and_everything_unusual_is_left_to_typer(line: str) -> None:
    assert parse(line.split()) is None


WORDS = st.one_of(
    st.sampled_from(
        ["run", "exec", "-e", "--", "-", "a.lua", "b", "json", "text", "lua", "1.5", "0", "-1", "-q", "-v"]
    ),
    st.sampled_from(FLAGS),
    st.builds("{}={}".format, st.sampled_from(FLAGS), st.sampled_from(["json", "7", "x", "", "a=b"])),
    st.text("ab-=. /é", max_size=4),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDS, max_size=7).flatmap(lambda rest: st.sampled_from([rest, ["run", *rest], ["run", "x", *rest]])))
def test_what_the_fast_parser_understands_typer_reads_the_same(typed: Any, argv: list[str]) -> None:
    fast = parse(argv)
    if fast is not None and not _is_dashed_code(argv):
        assert typed(argv) == fast


def _is_dashed_code(argv: list[str]) -> bool:
    """`-e` with code that begins with a dash: Typer, which only has to refuse or explain it, gets a space before it."""
    return any(word == "-e" and code.startswith("-") for word, code in pairwise(argv))


def test_inline_code_may_begin_with_a_dash() -> None:
    parsed = parse(["-e", "-- a comment\nreturn 1"])
    assert parsed is not None
    assert parsed[1]["code"] == "-- a comment\nreturn 1"


def test_every_flag_belongs_to_one_option() -> None:
    commands: list[Command] = list(COMMANDS.values())
    for command in commands:
        options: list[Option] = [*GLOBAL, *command.options]
        flags = [flag for option in options for flag in option.flags]
        names = [option.name for option in options] + [argument.name for argument in command.arguments]
        assert len(set(flags)) == len(flags)
        assert len(set(names)) == len(names)
