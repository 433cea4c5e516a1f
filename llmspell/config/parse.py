"""TOML text as tables, with the line of every key."""

import tomllib

from llmspell.config.locate import locate
from llmspell.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BOM = b"\xef\xbb\xbf"
SECRET_WORDS = ("key", "token", "secret", "password", "passwd", "dsn", "credential")
LONGEST = 100
"""Characters of a line that an error shows."""


def parse(data: bytes, name: str) -> "tuple[dict[str, Any], dict[str, int]]":
    """The tables of a TOML file, and the line of every key under its dotted name (`state.access[0].scope`).

    Raises ConfigError with line, column and the line's text when it is no TOML.
    """
    try:
        text = data.removeprefix(BOM).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: not UTF-8 (the byte 0x{data[error.start]:02x})") from None
    try:
        return tomllib.loads(text), locate(text)
    except tomllib.TOMLDecodeError as error:
        raise _broken(text, name, str(error)) from None
    except RecursionError:
        raise ConfigError(f"{name}: nested too deeply") from None
    except ValueError as error:
        raise ConfigError(f"{name}: not valid TOML ({error})") from None


def _broken(text: str, name: str, message: str) -> ConfigError:
    what, _, place = message.rpartition(" (at ")
    lines = text.split("\n")
    line, column = len(lines), len(lines[-1]) + 1
    if place.startswith("line "):
        line, column = (int(number) for number in place.removeprefix("line ").rstrip(")").split(", column "))
    shown = _presentable(lines[line - 1])
    tail = f": {shown}" if shown else ""
    return ConfigError(f"{name}:{line}:{column}: not valid TOML: {what[:1].lower()}{what[1:]}{tail}")


def _presentable(line: str) -> str:
    """The line, cut and without control characters; only up to the first `=` when it may have a secret."""
    if any(word in line.lower() for word in SECRET_WORDS):
        line = "".join(line.partition("=")[:2]) + " …"
    line = "".join(letter if letter.isprintable() else " " for letter in line).strip()
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"
