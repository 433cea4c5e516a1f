"""`Document`: a stored map that is read field by field, each one checked."""

from enum import StrEnum
from typing import Any, TypeVar

from llmspell import values
from llmspell.errors import BadArgument, BadValue, SchemaError
from llmspell.state import moment

_KINDS = {
    dict: "a map",
    list: "a list",
    str: "text",
    int: "a whole number",
    float: "a number",
    bytes: "bytes",
    bool: "a boolean",
}
_REQUIRED: Any = object()
Choice = TypeVar("Choice", bound=StrEnum)


class Document:
    """Takes the fields of a map one after the other; `rest` is what nobody has asked for, as later versions write it.

    A null field counts as absent. Raises SchemaError, naming the path (`$.history[3].role`) and what is there.
    """

    def __init__(self, value: object, path: str) -> None:
        self.rest: dict[Any, Any] = dict(check_map(value, path))
        self.path = path

    def text(self, name: str, default: str | None = _REQUIRED) -> Any:
        """A text that is not empty."""
        value = self._take(name, default)
        if value is not default and (type(value) is not str or not value):
            raise self._wrong(name, "text that is not empty", value)
        return value

    def choice(self, name: str, choices: type[Choice]) -> Choice:
        """One of the words of an enumeration."""
        value = self._take(name, _REQUIRED)
        try:
            return choices(value)
        except ValueError:
            raise self._wrong(name, f"one of {', '.join(choices)}", value) from None

    def whole(self, name: str, *, least: int) -> int:
        """A whole number from `least`."""
        value = self._take(name, _REQUIRED)
        if type(value) is not int or value < least:
            raise self._wrong(name, f"a whole number from {least}", value)
        return value

    def time(self, name: str, default: int | None = _REQUIRED) -> Any:
        """The µs since 1970 of an RFC 3339 text."""
        value = self._take(name, default)
        if value is default:
            return default
        try:
            micros = moment.parse(value) if type(value) is str else -1
        except BadArgument:
            micros = -1
        if micros < 0:
            raise self._wrong(name, "a time as RFC 3339 text, from 1970 on", value)
        return micros

    def map(self, name: str) -> dict[Any, Any]:
        """A map; an empty one when it is absent."""
        value = self._take(name, None)
        return {} if value is None else check_map(value, f"{self.path}.{name}")

    def list(self, name: str) -> list[Any]:
        """A list; an empty one when it is absent."""
        value = self._take(name, None)
        if value is not None and type(value) is not list:
            raise self._wrong(name, "a list", value)
        return value or []

    def value(self, name: str) -> Any:
        """Any value; None when it is absent."""
        return self._take(name, None)

    def _take(self, name: str, default: Any) -> Any:
        value = self.rest.pop(name, None)
        if value is not None:
            return value
        if default is _REQUIRED:
            raise SchemaError(f"{self.path}.{name} is missing")
        return default

    def _wrong(self, name: str, wanted: str, value: object) -> SchemaError:
        return SchemaError(f"{self.path}.{name} must be {wanted}, got {describe(value)}")


def check_map(value: object, path: str) -> dict[Any, Any]:
    """`value`; raises SchemaError unless it is a map."""
    if type(value) is not dict:
        raise SchemaError(f"{path} must be a map, got {describe(value)}")
    return value


def describe(value: object) -> str:
    """A value as an error shows it: short, with its kind when that says more."""
    if type(value) in (dict, list, bytes):
        return _KINDS[type(value)]
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{_KINDS.get(type(value), type(value).__name__)} ({shown[:40]}…)"


def check_value(value: object, path: str) -> None:
    """Raise SchemaError unless `value` is one that can be stored exactly."""
    try:
        values.check(value, path)
    except BadValue as error:
        raise SchemaError(error.message) from None


def check_text(value: object, what: str) -> str:
    """`value`; raises SchemaError unless it is text that is not empty."""
    if type(value) is not str or not value:
        raise SchemaError(f"{what} must be text that is not empty, got {describe(value)}")
    return value


def check_time(value: object, what: str) -> None:
    """Raise SchemaError unless `value` is a time in µs since 1970, from then to the year 9999."""
    if type(value) is not int or not 0 <= value <= moment.LATEST:
        raise SchemaError(f"{what} must be µs since 1970, got {describe(value)}")


def assemble(known: dict[str, Any], extra: dict[Any, Any], *, optional: tuple[str, ...] = ()) -> dict[Any, Any]:
    """The map of a record: its fields without those that are None and those of the `optional` that are empty, and `extra`.

    Raises SchemaError when a field of `extra` has the name of a known one.
    """
    clash = next((name for name in extra if name in known), None)
    if clash is not None:
        raise SchemaError(f"'{clash}' is a field of this version, so it cannot stand in `extra`")
    fields = {name: value for name, value in known.items() if value is not None and (value or name not in optional)}
    return {**fields, **extra}
