"""What other programs need to know: the script API for editors and generators, and completions for shells."""

import contextlib
import io
import os
from typing import Annotated, Literal

import typer

from llmspell import generate
from llmspell.cli.app import PROGRAM, build, command
from llmspell.cli.call import Call
from llmspell.cli.options import COMPLETION_VARIABLE

Kind = Annotated[
    Literal["lua", "typescript", "markdown", "json"],
    typer.Argument(metavar="KIND", help="lua, typescript, markdown or json."),
]
Shell = Annotated[Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]


def add_to(app: typer.Typer) -> None:
    """Add `api` and `completions`."""
    command(app, "api")(api)
    command(app, "completions")(completions)


def api(call: Call, kind: Kind = "markdown") -> None:
    """Print the script API: LuaCATS stubs, TypeScript declarations, the reference page, or JSON."""
    call.report.document(generate.render("json" if call.report.is_json else kind), is_json=True)


def completions(call: Call, shell: Shell) -> None:
    """Print a script that completes llmspell's commands and options: source it in the shell's start-up file."""
    os.environ[COMPLETION_VARIABLE] = f"source_{shell}"
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        build(completing=True)([], prog_name=PROGRAM, complete_var=COMPLETION_VARIABLE)
    call.report.document(text.getvalue())
