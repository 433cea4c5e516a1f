"""How keys and values are written in TOML, and named in errors."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

LONGEST = 60
"""Characters of a value that an error shows."""

TYPE_NAMES = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "a table",
}


def is_bare(name: str) -> bool:
    """May `name` stand in TOML without quotes?"""
    return name.isascii() and name != "" and name.replace("-", "a").replace("_", "a").isalnum()


def quoted(name: str) -> str:
    """`name` as one part of a TOML key."""
    return name if is_bare(name) else toml_string(name)


def toml_string(text: str) -> str:
    """`text` as a TOML string: literal when it has backslashes, else basic."""
    if "\\" in text and "'" not in text and text.isprintable():
        return f"'{text}'"
    return '"' + "".join(map(_escaped, text)) + '"'


def toml_value(value: "Any") -> str:
    """`value` as TOML."""
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is str:
        return toml_string(value)
    if kind is int and value >= 100_000:
        return f"{value:_}"
    if kind is list:
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if kind is dict:
        inside = ", ".join(f"{quoted(name)} = {toml_value(item)}" for name, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    return str(value)


def type_name(value: "Any") -> str:
    """`value`'s type in TOML's words."""
    return TYPE_NAMES.get(type(value), f"a {type(value).__name__}")


def describe(value: "Any") -> str:
    """`value` in an error: as TOML when that is short, else its type."""
    if type(value) not in TYPE_NAMES:
        return type_name(value)
    if type(value) is int and abs(value) >= 10**LONGEST:
        return "an integer of too many digits"
    if type(value) is str:
        return toml_string(value) if len(value) <= LONGEST else toml_string(value[:LONGEST] + "…")
    if type(value) is list and not any(type(item) in (list, dict) for item in value):
        text = "[" + ", ".join(map(describe, value[:LONGEST])) + "]"
        return text if len(text) <= LONGEST else "an array"
    return type_name(value) if type(value) in (list, dict) else toml_value(value)


def nearest(name: str, names: "Iterable[str]", cutoff: float = 0.6) -> str:
    """The name closest to `name`, or "" when none is as similar as `cutoff` (0 to 1) asks."""
    from difflib import get_close_matches

    found = get_close_matches(name[:200], names, n=1, cutoff=cutoff)
    return found[0] if found else ""


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
