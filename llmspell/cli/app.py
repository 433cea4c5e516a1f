"""The Typer app: every command, its help and the messages for wrong usage.

A command is a function that takes a `Call` and its own parameters. `command` adds the global options to it, so that
they may stand before and after the command's name, and turns what it raises into a report.
"""

import inspect
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

import typer
from typer.exceptions import TyperException

from llmspell import __version__
from llmspell.cli.call import Call, perform
from llmspell.cli.options import COMMANDS, COMPLETION_VARIABLE, GLOBAL, Argument, Option
from llmspell.cli.report import SCRIPT_SUFFIXES, Report, unwritable
from llmspell.errors import BadArgument, Interrupted, NotEnabled

NOT_BUILT = {
    "keys": "encryption",
    "repl": "interactive prompt",
}
"""Commands of later versions: whoever types one is told so."""

PROGRAM = "llmspell"
CONTEXT = {"help_option_names": ["-h", "--help"]}
DEFAULTS = {option.name: option.default for option in GLOBAL}


def dispatch(argv: Sequence[str]) -> int:
    """Carry out any command line; the exit status."""
    _speak_utf8()
    signal.signal(signal.SIGTERM, _terminate)
    app = build(completing=COMPLETION_VARIABLE in os.environ)
    try:
        status = app(list(argv), prog_name=PROGRAM, standalone_mode=False, complete_var=COMPLETION_VARIABLE)
    except TyperException as error:
        if not error.format_message():
            return 2  # no command at all: Typer has shown the help
        return _rough_report(argv).failure(_usage(error, argv))
    except typer.Abort:
        return 130
    except BrokenPipeError:
        Report().discard_output()
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        return _rough_report(argv).failure(unwritable(error) if isinstance(error, OSError) else error)
    return status if isinstance(status, int) else 0


def build(*, completing: bool = False) -> typer.Typer:
    """The app with all commands; with `completing`, it answers the shells' questions too."""
    from llmspell.cli import commands

    app = _group("A scripting runtime for automation that must remember.", completing=completing)
    for name, declared in COMMANDS.items():
        _add_declared(app, name, declared.help, declared.arguments, declared.options)
    commands.add_to(app)
    for name, subject in NOT_BUILT.items():
        _add_not_built(app, name, subject)
    return app


def group(app: typer.Typer, name: str, help: str) -> typer.Typer:
    """A group of commands in `app`, such as `state`."""
    made = _group(help, is_top=False)
    app.add_typer(made, name=name)
    return made


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Make a function a command: its first parameter gets the `Call`, its docstring is the help."""

    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]

        def act(given: dict[str, Any], values: dict[str, Any]) -> int:
            return perform(given, lambda call: function(call, **values))

        _register(app, name, inspect.getdoc(function) or "", own, act)
        return function

    return register


def _group(help: str, *, is_top: bool = True, completing: bool = False) -> typer.Typer:
    app = typer.Typer(help=help, context_settings=CONTEXT, add_completion=completing, no_args_is_help=True)

    def remember(context: typer.Context, **given: Any) -> None:
        given.pop("version", None)
        context.obj = _merged(context.obj or DEFAULTS, given)

    extra = [_version_parameter()] if is_top else []
    remember.__signature__ = _signature(extra + [parameter_of(option) for option in GLOBAL])  # type: ignore[attr-defined]
    remember.__annotations__ = {}
    app.callback()(remember)
    return app


def _register(
    app: typer.Typer,
    name: str,
    help: str,
    own: list[inspect.Parameter],
    act: Callable[[dict[str, Any], dict[str, Any]], int],
) -> None:
    def invoke(context: typer.Context, **values: Any) -> int:
        given = {option.name: values.pop(option.name) for option in GLOBAL}
        return act(_merged(context.obj, given), values)

    invoke.__signature__ = _signature(own + [parameter_of(option) for option in GLOBAL])  # type: ignore[attr-defined]
    invoke.__annotations__ = {}
    app.command(name, help=help, context_settings=CONTEXT)(invoke)


def _add_declared(
    app: typer.Typer, name: str, help: str, arguments: tuple[Argument, ...], options: tuple[Option, ...]
) -> None:
    """A command of the fast path, with the same parameters, for help and errors."""

    def act(given: dict[str, Any], values: dict[str, Any]) -> int:
        from llmspell.cli.run import execute, run

        values["args"] = list(values["args"] or ())
        return (run if name == "run" else execute)(given | values)

    own = [*map(parameter_of, arguments), *map(parameter_of, options)]
    _register(app, name, help, own, act)


def _add_not_built(app: typer.Typer, name: str, subject: str) -> None:
    def act(given: dict[str, Any], _values: dict[str, Any]) -> int:
        def refuse(_call: Call) -> int:
            raise NotEnabled(f"llmspell {name}: this version has no {subject} yet")

        return perform(given, refuse)

    def invoke(context: typer.Context) -> int:
        return act(_merged(context.obj, _rough_globals(context.args)), {})

    settings = CONTEXT | {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
    app.command(name, hidden=True, context_settings=settings)(invoke)


def parameter_of(declared: Option | Argument) -> inspect.Parameter:
    """A declared option or argument as a parameter that Typer understands."""
    info: Any
    hint: Any
    if isinstance(declared, Argument):
        info = typer.Argument(metavar=declared.metavar, help=declared.help, show_default=False)
        hint, default = (list[str] | None, None) if declared.many else (str, inspect.Parameter.empty)
    else:
        info = typer.Option(
            *declared.flags,
            metavar=declared.metavar or None,
            help=declared.help,
            show_default=False,
            rich_help_panel="Global options" if declared in GLOBAL else None,
        )
        hints = {"flag": bool, "seconds": float | None, "choice": Literal[declared.choices] | None, "text": str | None}
        hint, default = hints[declared.kind], declared.default
    return inspect.Parameter(
        declared.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[hint, info]
    )


def _version_parameter() -> inspect.Parameter:
    def show(wanted: bool) -> None:
        if wanted:
            Report().text(f"llmspell {__version__}\n")
            raise typer.Exit

    info = typer.Option("--version", callback=show, is_eager=True, help="Print the version.", show_default=False)
    return inspect.Parameter("version", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, info])


def _signature(parameters: list[inspect.Parameter]) -> inspect.Signature:
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    return inspect.Signature([context, *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters)])


def _merged(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The global options of two places; what was said later wins."""
    return before | {name: value for name, value in after.items() if value != DEFAULTS[name]}


def _rough_globals(argv: Sequence[str]) -> dict[str, Any]:
    """The output and debug options of a command line that cannot be understood as a whole."""
    words = list(argv[: argv.index("--")] if "--" in argv else argv)
    output = None
    for index, word in enumerate(words):
        if word == "--output" and index + 1 < len(words):
            output = words[index + 1]
        elif word.startswith("--output="):
            output = word.removeprefix("--output=")
    return {"output": output if output in ("json", "pretty") else None, "debug": "--debug" in words}


def _rough_report(argv: Sequence[str]) -> Report:
    given = _rough_globals(argv)
    return Report(given["output"], debug=given["debug"])


def _usage(error: TyperException, argv: Sequence[str]) -> BadArgument:
    """Wrong usage in our own grammar, with the command whose help says more."""
    message = error.format_message().rstrip(".")
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else PROGRAM
    hint = f"`{path} --help` shows what there is"
    script = next((word for word in argv if word.endswith(SCRIPT_SUFFIXES)), None)
    if message.startswith("No such command") and script is not None:
        hint = f"to run a script: `llmspell run {script}`"
    elif message.startswith("No such option") and path.endswith((" run", " exec")):
        hint = f"what the script shall get goes after --; {hint}"
    return BadArgument(message[:1].lower() + message[1:], hint=hint, exit_status=2)


def _terminate(_number: int, _frame: object) -> None:
    """SIGTERM ends a command as an error does, so that what it opened is closed."""
    raise Interrupted("terminated", exit_status=143)


def _speak_utf8() -> None:
    """Help is text that the locale may not be able to write."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
