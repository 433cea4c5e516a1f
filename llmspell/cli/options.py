"""The options of every command, and of `run` and `exec`, declared once.

From these tables come the parameters that Typer sees (`llmspell.cli.app`) and the parser below, which understands a
command line of `run` or `exec` without importing anything, or gives up and leaves it to Typer, help and errors
included.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

COMPLETION_VARIABLE = "_LLMSPELL_COMPLETE"
"""Set by a shell that asks for completions; Typer answers."""


class Option:
    """One option. `kind`: text, choice (one of `choices`), seconds, or flag; a flag's default is False, else None."""

    __slots__ = ("choices", "flags", "help", "kind", "metavar", "name")

    def __init__(
        self,
        name: str,
        flags: tuple[str, ...],
        help: str,
        *,
        kind: str = "text",
        metavar: str = "",
        choices: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.flags = flags
        self.help = help
        self.kind = "choice" if choices else kind
        self.metavar = metavar
        self.choices = choices

    @property
    def default(self) -> "Any":
        return False if self.kind == "flag" else None

    def convert(self, text: str) -> "Any":
        """The value of `text`, or None when only Typer can say what is wrong with it."""
        if self.kind == "flag":
            return True
        if self.kind == "seconds":
            return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None
        if self.kind == "choice":
            return text if text in self.choices else None
        return text


class Argument:
    """A positional argument: one that must be there or, with `many`, all that are left."""

    __slots__ = ("help", "many", "metavar", "name")

    def __init__(self, name: str, help: str, *, many: bool = False) -> None:
        self.name = name
        self.metavar = name.upper()
        self.help = help
        self.many = many


class Command:
    """A command of the fast path."""

    __slots__ = ("arguments", "help", "options")

    def __init__(self, help: str, arguments: tuple[Argument, ...], options: tuple[Option, ...]) -> None:
        self.help = help
        self.arguments = arguments
        self.options = options


GLOBAL = (
    Option("config", ("-c", "--config"), "The configuration file.", metavar="FILE"),
    Option("profile", ("-p", "--profile"), "A named set of defaults under the file.", metavar="NAME"),
    Option("engine", ("--engine",), "The language when the file's ending does not say.", choices=("lua", "javascript")),
    Option("output", ("--output",), "How results are printed.", choices=("text", "json", "pretty")),
    Option("quiet", ("-q", "--quiet"), "Nothing on standard error but errors.", kind="flag"),
    Option("verbose", ("-v", "--verbose"), "More on standard error.", kind="flag"),
    Option("debug", ("--debug",), "Show Python tracebacks and debug messages.", kind="flag"),
    Option("log_format", ("--log-format",), "How log lines are written.", choices=("text", "json")),
)

_RUN_OPTIONS = (
    Option("timeout", ("--timeout",), "Seconds the script may run; 0 is no limit.", kind="seconds", metavar="S"),
    Option("principal", ("--principal",), "Run with the rights of this principal.", metavar="NAME"),
    Option("session", ("--session",), "Run in this session.", metavar="ID"),
)
_ARGS = Argument("args", "Arguments of the script; after -- they may begin with a dash.", many=True)

COMMANDS = {
    "run": Command(
        "Run a script; - reads it from standard input.",
        (Argument("script", "The script's file, or -."), _ARGS),
        (*_RUN_OPTIONS, Option("watch", ("--watch",), "Run again whenever the file changes.", kind="flag")),
    ),
    "exec": Command(
        "Run inline code; llmspell -e CODE is short for it.",
        (Argument("code", "The code to run."), _ARGS),
        _RUN_OPTIONS,
    ),
}


def parse(argv: "Sequence[str]") -> "tuple[str, dict[str, Any]] | None":
    """The command and all its values, defaults included, or None when this is not a plain `run` or `exec`."""
    command = None
    name = ""
    flags = {flag: option for option in GLOBAL for flag in option.flags}
    values: dict[str, Any] = {option.name: option.default for option in GLOBAL}
    positional: list[str] = []
    rest = iter(argv)
    for token in rest:
        if token == "--":
            positional += rest
        elif token[:1] != "-" or token == "-" or (token == "-e" and command is None):
            if command is not None:
                positional.append(token)
                continue
            if token == "-e":
                name, code = "exec", next(rest, None)
                if code is None:
                    return None
                positional.append(code)
            else:
                name = token
            command = COMMANDS.get(name)
            if command is None:
                return None
            flags |= {flag: option for option in command.options for flag in option.flags}
            values |= {option.name: option.default for option in command.options}
        else:
            flag, attached, text = token.partition("=") if token[1] == "-" else (token[:2], token[2:], token[2:])
            option = flags.get(flag)
            if option is None or (option.kind == "flag" and attached):
                return None
            given = text if attached else "" if option.kind == "flag" else next(rest, None)
            value = None if given is None else option.convert(given)
            if value is None:
                return None
            values[option.name] = value
    if command is None or len(positional) < 1:
        return None
    return name, values | _assign(command.arguments, positional)


def _assign(arguments: tuple[Argument, ...], positional: list[str]) -> "dict[str, Any]":
    return {
        argument.name: positional[index:] if argument.many else positional[index]
        for index, argument in enumerate(arguments)
    }


def spell_out(argv: "Sequence[str]") -> list[str]:
    """The same command line with `-e CODE` written as `exec CODE`."""
    taking_value = {flag for option in GLOBAL if option.kind != "flag" for flag in option.flags}
    skip = False
    for index, token in enumerate(argv):
        if skip:
            skip = False
        elif token == "-e":
            code = list(argv[index + 1 : index + 2])
            return [*argv[:index], "exec", *map(_undashed, code), *argv[index + 2 :]]
        elif token in taking_value:
            skip = True
        elif not token.startswith("-") or token in ("-", "--"):
            break
    return list(argv)


def _undashed(code: str) -> str:
    """With a space before a dash, such as that of a Lua comment, so that Typer does not read an option."""
    return " " + code if code.startswith("-") else code
