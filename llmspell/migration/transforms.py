"""Transformations: what one step of a migration does to a document.

Paths are names with dots, from the document's top. A source that is absent, or null, leaves the document as it is. What
a transformation writes replaces what was there, and makes the maps on the way to it. One that cannot be carried out
raises Violation, whose rule is the name of the transformation.
"""

from llmspell.errors import BadArgument, LlmspellError, MigrationError, SchemaError
from llmspell.migration.fields import TYPES, Violation, copy
from llmspell.migration.names import kind, read_items, read_names, read_text, show
from llmspell.state import moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Document = dict[Any, Any]
    Change = Callable[[Document], Document]
    Path = tuple[str, ...]

KINDS = {
    "copy": ("field", "to"), "rename": ("field", "to"), "move": ("field", "to"), "convert": ("field", "type", "to"),
    "default": ("field", "value"), "remove": ("field",), "split": ("field", "separator", "to", "keep"),
    "merge": ("fields", "separator", "to", "keep"), "function": ("function", "name"),
}  # fmt: skip
"""The transformations and the names each takes."""

CONVERTED = ("string", "integer", "number", "boolean", "list", "timestamp")


class Functions:
    """The functions that transformations name. They are code, so no store keeps them: each run brings its own.

    A function that stands in a definition is added under its name, or under one made of its place.
    """

    def __init__(self) -> None:
        self._known: dict[str, Change] = {}

    def add(self, name: str, function: "Change") -> None:
        """Make a function known; a later one takes the name over."""
        self._known[name] = function

    def update(self, other: "Functions") -> None:
        """Make everything known that `other` knows."""
        self._known.update(other._known)

    def over(self, other: "Functions") -> "Functions":
        """These, and those of `other` whose names are not taken."""
        joined = Functions()
        joined.update(other)
        joined.update(self)
        return joined

    def find(self, name: str) -> "Change":
        """The function of a name; raises MigrationError when this run has not brought it."""
        found = self._known.get(name)
        if found is None:
            raise MigrationError(
                f"the migration needs the function '{name}', which this run does not have",
                hint="functions are not stored: register the schema with its function again, then migrate",
            )
        return found


class Transform:
    """One transformation: its `kind` and its entries as they were written, with their defaults."""

    __slots__ = ("given", "kind")

    def __init__(self, kind: str, given: "dict[str, Any]") -> None:
        self.kind = kind
        self.given = given

    @classmethod
    def read(cls, given: object, where: str, functions: Functions, name: str) -> "Transform":
        """The transformation of a definition; raises SchemaError. `name` is for a function that has none."""
        every = {"transform", *(each for names in KINDS.values() for each in names)}
        read = read_names(given, every, where)
        kind_ = read.pop("transform", None)
        if kind_ not in KINDS:
            raise SchemaError(f"{where} has the unknown transform {kind_!r}; there are {', '.join(KINDS)}")
        wrong = [each for each in read if each not in KINDS[kind_]]
        if wrong:
            raise SchemaError(f"{where}: '{kind_}' takes no '{wrong[0]}', it takes {', '.join(KINDS[kind_])}")
        return cls(kind_, _READERS[kind_](read, where, functions, name))

    def document(self) -> "dict[str, Any]":
        """The definition, without code: a function is known by its name."""
        return {"transform": self.kind, **self.given}

    def compile(self, functions: Functions) -> "Change":
        """A function that changes a document, in place or not, and gives the result; raises MigrationError."""
        if self.kind == "function":
            return _call(functions.find(self.given["name"]), self.given["name"])
        return _MAKERS[self.kind](self.given)


def split_path(path: str) -> "Path":
    return tuple(path.split("."))


def convert(value: "Any", wanted: str, where: str) -> "Any":
    """A value as another type; raises Violation when that would lose or invent something."""
    result = _CONVERTERS[wanted](value)
    if result is None:
        raise Violation(where, "convert", f"cannot be converted to {wanted}: {show(value)}")
    return result


def _get(document: "Document", path: "Path") -> "Any":
    value: Any = document
    for name in path:
        if type(value) is not dict:
            return None
        value = value.get(name)
    return value


def _put(document: "Document", path: "Path", value: "Any", rule: str) -> None:
    for depth, name in enumerate(path[:-1], 1):
        inner = document.get(name)
        if inner is None:
            inner = document[name] = {}
        elif type(inner) is not dict:
            raise Violation("$." + ".".join(path[:depth]), rule, f"is {kind(inner)}, which holds no '{path[depth]}'")
        document = inner
    document[path[-1]] = value


def _remove(document: "Document", path: "Path") -> None:
    parent = _get(document, path[:-1])
    if type(parent) is dict:
        parent.pop(path[-1], None)


def _make_copy(given: "dict[str, Any]") -> "Change":
    source, target = split_path(given["field"]), split_path(given["to"])

    def change(document: "Document") -> "Document":
        value = _get(document, source)
        if value is not None:
            _put(document, target, copy(value), "copy")
        return document

    return change


def _make_move(given: "dict[str, Any]") -> "Change":
    source, target = split_path(given["field"]), split_path(given["to"])
    if len(source) == 1 and len(target) == 1:
        old, new = source[0], target[0]

        def rename(document: "Document") -> "Document":
            value = document.get(old)
            if value is not None:
                del document[old]
                document[new] = value
            return document

        return rename

    def change(document: "Document") -> "Document":
        value = _get(document, source)
        if value is not None:
            _remove(document, source)
            _put(document, target, value, "move")
        return document

    return change


def _make_convert(given: "dict[str, Any]") -> "Change":
    source, target, wanted = split_path(given["field"]), split_path(given["to"]), given["type"]
    where = "$." + given["field"]

    def change(document: "Document") -> "Document":
        value = _get(document, source)
        if value is not None:
            converted = convert(value, wanted, where)
            if target != source:
                _remove(document, source)
            _put(document, target, converted, "convert")
        return document

    return change


def _make_default(given: "dict[str, Any]") -> "Change":
    target, value = split_path(given["field"]), given["value"]

    def change(document: "Document") -> "Document":
        if _get(document, target) is None:
            _put(document, target, copy(value), "default")
        return document

    return change


def _make_remove(given: "dict[str, Any]") -> "Change":
    source = split_path(given["field"])

    def change(document: "Document") -> "Document":
        _remove(document, source)
        return document

    return change


def _make_split(given: "dict[str, Any]") -> "Change":
    source, separator = split_path(given["field"]), given["separator"]
    targets = [split_path(target) for target in given["to"]]
    keeps = given["keep"] or source in targets

    def change(document: "Document") -> "Document":
        value = _get(document, source)
        if value is None:
            return document
        if not isinstance(value, str):
            raise Violation("$." + given["field"], "split", f"must be text to be split, got {kind(value)}")
        if not keeps:
            _remove(document, source)
        for target, part in zip(targets, value.split(separator, len(targets) - 1), strict=False):
            _put(document, target, part, "split")
        return document

    return change


def _make_merge(given: "dict[str, Any]") -> "Change":
    sources = [split_path(source) for source in given["fields"]]
    separator, target = given["separator"], split_path(given["to"])

    def change(document: "Document") -> "Document":
        found = [(source, value) for source in sources if (value := _get(document, source)) is not None]
        if found:
            parts = [convert(value, "string", "$." + ".".join(source)) for source, value in found]
            if not given["keep"]:
                for source, _ in found:
                    _remove(document, source)
            _put(document, target, separator.join(parts), "merge")
        return document

    return change


def _call(function: "Change", name: str) -> "Change":
    def change(document: "Document") -> "Document":
        try:
            result = function(document)
        except (Violation, LlmspellError):
            raise
        except Exception as error:
            raise Violation("$", "function", f"made the function '{name}' fail: {error}") from error
        if not isinstance(result, dict):
            raise Violation("$", "function", f"came back from the function '{name}' as {kind(result)}, not as a map")
        return result

    return change


_MAKERS: "dict[str, Callable[[dict[str, Any]], Change]]" = {
    "copy": _make_copy, "rename": _make_move, "move": _make_move, "convert": _make_convert, "default": _make_default,
    "remove": _make_remove, "split": _make_split, "merge": _make_merge,
}  # fmt: skip


def _to_string(value: "Any") -> "str | None":
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return None
    if isinstance(value, int | float):
        return repr(value)
    return value if isinstance(value, str) else None


def _to_number(value: "Any") -> "int | float | None":
    if isinstance(value, str):
        text = value.strip()
        # int() and float() also read underscores, other scripts' digits and words such as nan.
        if not text.isascii() or "_" in text or len(text) > 400:
            return None
        for read in (int, float):
            try:
                number: int | float = read(text)
            except ValueError:
                continue
            if isinstance(number, int) and not -(2**63) <= number < 2**63:
                return None
            return number if number - number == 0 else None
        return None
    if isinstance(value, bool):
        return int(value)
    return value if isinstance(value, int | float) else None


def _to_integer(value: "Any") -> int | None:
    number = _to_number(value)
    if isinstance(number, float):
        number = int(number) if number.is_integer() and abs(number) < 2**63 else None
    return number


def _to_boolean(value: "Any") -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(value.lower())
    return bool(value) if value in (0, 1) and isinstance(value, int | float) else None


def _to_list(value: "Any") -> "list[Any] | None":
    if isinstance(value, list):
        return value
    return None if isinstance(value, dict) else [value]


def _to_timestamp(value: "Any") -> str | None:
    try:
        return moment.text(moment.parse(value))
    except (BadArgument, OverflowError, ValueError):
        return None


_CONVERTERS: "dict[str, Callable[[Any], Any]]" = {
    "string": _to_string, "integer": _to_integer, "number": _to_number, "boolean": _to_boolean, "list": _to_list,
    "timestamp": _to_timestamp,
}  # fmt: skip


def _read_path(read: "dict[str, Any]", name: str, where: str) -> str:
    return check_path(read_text(read, name, where), where)


def check_path(path: object, where: str) -> str:
    """A path as it is; raises SchemaError when it is none."""
    if not isinstance(path, str) or not path or not all(path.split(".")):
        raise SchemaError(f"{where}: {show(path)} is no path; write it as 'name' or 'outer.name'")
    return path


def _read_two_paths(read: "dict[str, Any]", where: str, *_: object) -> "dict[str, Any]":
    source, target = (_read_path(read, name, where) for name in ("field", "to"))
    if f"{target}.".startswith(f"{source}."):
        raise SchemaError(f"{where}: '{source}' cannot go to '{target}', which is the same or lies in it")
    return {"field": source, "to": target}


def _read_convert(read: "dict[str, Any]", where: str, *_: object) -> "dict[str, Any]":
    wanted = read_text(read, "type", where)
    if wanted not in CONVERTED:
        known = "there is no conversion to it" if wanted in TYPES else "there is no such type"
        raise SchemaError(f"{where} converts to {wanted!r}, but {known}; there are {', '.join(CONVERTED)}")
    source = _read_path(read, "field", where)
    return {"field": source, "type": wanted, "to": _read_path(read, "to", where) if "to" in read else source}


def _read_default(read: "dict[str, Any]", where: str, *_: object) -> "dict[str, Any]":
    if "value" not in read:
        raise SchemaError(f"{where} needs a 'value' that is not null")
    return {"field": _read_path(read, "field", where), "value": copy(read["value"])}


def _read_remove(read: "dict[str, Any]", where: str, *_: object) -> "dict[str, Any]":
    return {"field": _read_path(read, "field", where)}


def _read_split(read: "dict[str, Any]", where: str, *_: object) -> "dict[str, Any]":
    targets = [check_path(target, where) for target in read_items(read.get("to"), f"{where}: 'to'")]
    if not targets:
        raise SchemaError(f"{where} needs 'to' as a list of paths")
    return {
        "field": _read_path(read, "field", where), "separator": read_text(read, "separator", where), "to": targets,
        "keep": _read_keep(read, where),
    }  # fmt: skip


def _read_merge(read: "dict[str, Any]", where: str, *_: object) -> "dict[str, Any]":
    sources = [check_path(source, where) for source in read_items(read.get("fields"), f"{where}: 'fields'")]
    separator = read.get("separator", " ")
    if not sources or not isinstance(separator, str):
        raise SchemaError(f"{where} needs 'fields' as a list of paths, and 'separator' as text")
    return {
        "fields": sources, "separator": separator, "to": _read_path(read, "to", where), "keep": _read_keep(read, where)
    }  # fmt: skip


def _read_keep(read: "dict[str, Any]", where: str) -> bool:
    keep = read.get("keep", False)
    if not isinstance(keep, bool):
        raise SchemaError(f"{where}: 'keep' must be true or false, got {kind(keep)}")
    return keep


def _read_function(read: "dict[str, Any]", where: str, functions: Functions, name: str) -> "dict[str, Any]":
    function = read.get("function")
    name = read_text(read, "name", where) if "name" in read else name
    if isinstance(function, str):
        return {"name": function}
    if function is None:
        if "name" not in read:
            raise SchemaError(f"{where} needs 'function' or 'name'")
    elif callable(function):
        functions.add(name, function)
    else:
        raise SchemaError(f"{where}: 'function' must be a function, got {kind(function)}")
    return {"name": name}


_READERS: "dict[str, Callable[[dict[str, Any], str, Functions, str], dict[str, Any]]]" = {
    "copy": _read_two_paths, "rename": _read_two_paths, "move": _read_two_paths, "convert": _read_convert,
    "default": _read_default, "remove": _read_remove, "split": _read_split, "merge": _read_merge,
    "function": _read_function,
}  # fmt: skip
