"""Names and numbers in definitions: what scripts, TOML files and Python code may write, read strictly."""

from difflib import get_close_matches

from llmspell.errors import SchemaError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any


def camel_case(name: str) -> str:
    """`from_version` → `fromVersion`, the other spelling of a name in a definition."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def read_names(given: object, known: "Collection[str]", where: str) -> "dict[str, Any]":
    """A definition's entries under their snake_case names; null entries are left out.

    Raises SchemaError when it is no map, for an unknown name (naming the nearest), and for both spellings of one.
    """
    if not isinstance(given, dict):
        raise SchemaError(f"{where} must be a map, got {kind(given)}")
    spellings = {camel_case(name): name for name in known} | {name: name for name in known}
    read: dict[str, Any] = {}
    for name, value in given.items():
        proper = spellings.get(name)
        if proper is None:
            close = get_close_matches(str(name), sorted(known), n=1, cutoff=0.6)
            hint = f"did you mean '{close[0]}'?" if close else f"the names are {', '.join(sorted(known))}"
            raise SchemaError(f"{where} has the unknown name {name!r}", hint=hint)
        if proper in read:
            raise SchemaError(f"{where} gives '{proper}' in both spellings")
        if value is not None:
            read[proper] = value
    return read


def read_items(given: object, where: str) -> "list[Any]":
    """A list; an empty map counts as one, because an empty Lua table is both."""
    if given == {} and isinstance(given, dict):
        return []
    if not isinstance(given, list | tuple):
        raise SchemaError(f"{where} must be a list, got {kind(given)}")
    return list(given)


def read_text(given: "Mapping[str, Any]", name: str, where: str) -> str:
    """An entry that must be there as text that is not empty."""
    found = given.get(name)
    if not isinstance(found, str) or not found:
        raise SchemaError(f"{where} needs '{name}' as text, got {kind(found)}")
    return found


def kind(value: object) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "a boolean"
    for python, word in _WORDS:
        if isinstance(value, python):
            return word
    return f"a {type(value).__name__}"


_WORDS: "tuple[tuple[type, str], ...]" = (
    (int, "an integer"), (float, "a number"), (str, "text"), (bytes, "bytes"), (list, "a list"), (tuple, "a list"),
    (dict, "a map"),
)  # fmt: skip


def show(value: object) -> str:
    """A value for a message, cut short."""
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
