"""Fields: the type and the rules of one value of a document, and the check that follows from them."""

from llmspell.errors import BadArgument, SchemaError
from llmspell.migration.names import kind, read_items, read_names, show
from llmspell.migration.pattern import Pattern
from llmspell.state import moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Check = Callable[[Any, str], None]

TYPES = ("string", "integer", "number", "boolean", "list", "object", "timestamp", "bytes", "any")
ALIASES = {"float": "number"}
SIZED = ("string", "bytes", "list")
RULES = {
    "max_length": SIZED, "min_length": SIZED, "min": ("integer", "number"), "max": ("integer", "number"),
    "pattern": ("string",), "items": ("list",), "fields": ("object",), "additional": ("object",),
}  # fmt: skip
"""Which types a rule is for; `required`, `default` and `enum` are for all."""

NAMES = ("type", "required", "default", "enum", *RULES)
MAX_DEPTH = 64
NONE, BASIC, STRICT = range(3)
LEVELS = ("none", "basic", "strict")


class Violation(Exception):
    """A document breaks a rule: `rule` is its name, `problem` what is wrong, as a clause.

    The path says where; a place in a list stands in it as `at_index` gives it.
    """

    def __init__(self, path: str, rule: str, problem: str) -> None:
        super().__init__(path, rule, problem)
        self._path = path
        self.rule = rule
        self.problem = problem

    def __str__(self) -> str:
        return self.text()

    def path(self, first_index: int = 0) -> str:
        """Such as `$.a.b[0]`, where places are counted from `first_index`, as the reader's language does."""
        path, *places = self._path.split(_PLACE)
        for place in places:
            index, _, rest = place.partition("]")
            path += f"{int(index) + first_index}]{rest}"
        return path

    def text(self, first_index: int = 0, *, hides_values: bool = False) -> str:
        """All of it in words; without the problem, in which the value may be quoted, where values are to be hidden."""
        problem = "does not fit" if hides_values else self.problem
        return f"{self.path(first_index)} {problem} (rule {self.rule})"


_PLACE = "\0"
"""Stands before the place in a path: a name may look like one, `a[0]`."""


def at_index(path: str, index: int) -> str:
    """The path of an item of a list."""
    return f"{path}[{_PLACE}{index}]"


class Field:
    """One field: its `type`, whether it is `required`, and its rules as they were written. Never changed.

    `default` is what a migration puts where a required or optional field is absent. Null counts as absent everywhere.
    """

    __slots__ = ("additional", "default", "enum", "fields", "has_default", "items", "required", "rules", "type")

    def __init__(
        self,
        type_: str,
        *,
        required: bool = False,
        rules: "dict[str, Any] | None" = None,
        fields: "dict[str, Field] | None" = None,
        items: "Field | None" = None,
        additional: bool = True,
        enum: "list[Any] | None" = None,
        default: "Any" = None,
    ) -> None:
        self.type = type_
        self.required = required
        self.rules = rules or {}
        self.fields = fields or {}
        self.items = items
        self.additional = additional
        self.enum = enum
        self.default = default
        self.has_default = default is not None

    def but(self, **changed: "Any") -> "Field":
        """The same field with other properties."""
        kept = {
            "required": self.required, "rules": self.rules, "fields": self.fields, "items": self.items,
            "additional": self.additional, "enum": self.enum, "default": self.default,
        }  # fmt: skip
        type_ = changed.pop("type_", self.type)
        return Field(type_, **{**kept, **changed})

    @classmethod
    def read(cls, given: object, path: str, depth: int = 0) -> "Field":
        """The field of a definition; raises SchemaError, naming `path` and what is wrong."""
        if depth > MAX_DEPTH:
            raise SchemaError(f"the schema is nested deeper than {MAX_DEPTH} levels")
        if isinstance(given, str):
            given = {"type": given}
        where = f"the field {path}"
        read = read_names(given, NAMES, where)
        type_ = ALIASES.get(str(read.get("type")), read.get("type", "any"))
        if type_ not in TYPES:
            raise SchemaError(f"{where} has the unknown type {read.get('type')!r}; the types are {', '.join(TYPES)}")
        for name in read:
            if name in RULES and type_ not in RULES[name]:
                raise SchemaError(f"{where} is of type {type_}, which has no rule '{name}'")
        for name in ("required", "additional"):
            if not isinstance(read.get(name, False), bool):
                raise SchemaError(f"{where}: '{name}' must be true or false, got {show(read[name])}")
        field = cls(
            type_,
            required=read.get("required", False),
            rules=_read_rules(read, where),
            fields=read_fields(read.get("fields", {}), path, depth + 1),
            items=cls.read(read["items"], f"{path}[]", depth + 1) if "items" in read else None,
            additional=read.get("additional", True),
            enum=read_items(read["enum"], f"{where}: 'enum'") if "enum" in read else None,
            default=read.get("default"),
        )
        if field.has_default:
            try:
                field.checker(path, STRICT)(field.default, "")
            except Violation as violation:
                raise SchemaError(f"{where}: its default {violation.problem} (rule {violation.rule})") from None
        return field

    def document(self) -> "dict[str, Any]":
        """The definition, complete and in one order, so that equal fields give equal documents."""
        made: dict[str, Any] = {"type": self.type}
        if self.required:
            made["required"] = True
        made.update(
            (name, self.rules[name]) for name in ("min_length", "max_length", "min", "max") if name in self.rules
        )
        if "pattern" in self.rules:
            made["pattern"] = self.rules["pattern"].text
        if self.enum is not None:
            made["enum"] = self.enum
        if self.has_default:
            made["default"] = self.default
        if self.items is not None:
            made["items"] = self.items.document()
        if self.type == "object":
            made["fields"] = {name: field.document() for name, field in self.fields.items()}
            if not self.additional:
                made["additional"] = False
        return made

    def checker(self, path: str, level: int) -> "Check":
        """A function that raises Violation unless its value fits; `path` is that of the field.

        Its second argument is put before the path: list items are checked by one function for all places. BASIC looks at
        types and at what is required, STRICT at every rule.
        """
        by_type = _TYPE_CHECKS[self.type](path)
        checks: list[Check] = [] if by_type is None else [by_type]
        if self.type == "object":
            checks.append(object_check(self.fields, self.additional, path, level))
        if level == STRICT:
            checks.extend(_rule_checks(self, path))
        if self.items is not None:
            checks.append(_items_check(self.items, path, level))
        if len(checks) == 1:
            return checks[0]

        def check_all(value: "Any", at: str) -> None:
            for check in checks:
                check(value, at)

        return check_all if checks else _fits


def read_fields(given: object, path: str, depth: int = 0) -> "dict[str, Field]":
    """The fields of an object by their names; raises SchemaError."""
    if given == [] or given is None:
        given = {}
    if not isinstance(given, dict):
        raise SchemaError(f"the fields of {path} must be a map, got {kind(given)}")
    for name in given:
        if not isinstance(name, str) or not name or "." in name:
            raise SchemaError(f"{name!r} is no name of a field in {path}: it must be text without dots")
    return {name: Field.read(field, f"{path}.{name}", depth) for name, field in given.items()}


def object_check(fields: "dict[str, Field]", additional: bool, path: str, level: int) -> "Check":
    """The check of a map's content: each declared field, and with STRICT what is not declared."""
    entries = tuple(
        (name, field.required, *_quick(field, level), field.checker(f"{path}.{name}", level))
        for name, field in fields.items()
    )
    refuses = level == STRICT and not additional

    def check_content(document: "dict[Any, Any]", at: str) -> None:
        get = document.get
        for name, required, quick, other, check in entries:
            value = get(name)
            kind_ = type(value)
            if value is None:
                if required:
                    raise Violation(f"{at or path}.{name}", "required", "is missing")
            elif kind_ is not quick and kind_ is not other:
                check(value, at and f"{at}.{name}")
        if refuses:
            for name in document:
                if name not in fields:
                    raise Violation(f"{at or path}.{name}", "additional", "is not a declared field")

    return check_content


def _quick(field: Field, level: int) -> "tuple[type | None, type | None]":
    """The one or two types of which every value fits, where the field has no more rules at this level."""
    if field.type in ("list", "object") or (level == STRICT and (field.rules or field.enum is not None)):
        return None, None
    first, *more = _PYTHON.get(field.type, (None,))
    return first, more[0] if more else first


def fill_defaults(fields: "dict[str, Field]", document: "dict[Any, Any]") -> None:
    """Put defaults where fields are absent, also within objects that are there."""
    for name, field in fields.items():
        value = document.get(name)
        if value is None:
            if field.has_default:
                document[name] = copy(field.default)
        elif field.fields and isinstance(value, dict):
            fill_defaults(field.fields, value)


def copy(value: "Any") -> "Any":
    """A value of its own, also of what it holds."""
    if isinstance(value, dict):
        return {key: copy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [copy(item) for item in value]
    return value


def is_same(one: object, other: object) -> bool:
    """Whether two values are equal; unlike in Python, true is not 1."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(item, other[name]) for name, item in one.items())
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def _fits(value: "Any", at: str) -> None:
    """Everything does."""


def _read_rules(read: "dict[str, Any]", where: str) -> "dict[str, Any]":
    rules: dict[str, Any] = {}
    for name in ("min_length", "max_length"):
        if name in read:
            if type(read[name]) is not int or read[name] < 0:
                raise SchemaError(f"{where}: '{name}' must be a whole number from 0, got {show(read[name])}")
            rules[name] = read[name]
    for name in ("min", "max"):
        if name in read:
            if type(read[name]) not in (int, float):
                raise SchemaError(f"{where}: '{name}' must be a number, got {show(read[name])}")
            rules[name] = read[name]
    for low, high in (("min_length", "max_length"), ("min", "max")):
        if low in rules and high in rules and rules[low] > rules[high]:
            raise SchemaError(f"{where}: '{low}' is above '{high}', so nothing fits")
    if "pattern" in read:
        if not isinstance(read["pattern"], str):
            raise SchemaError(f"{where}: 'pattern' must be text, got {kind(read['pattern'])}")
        try:
            rules["pattern"] = Pattern(read["pattern"])
        except SchemaError as error:
            raise SchemaError(f"{where}: {error.message}") from None
    return rules


def _type_check(word: str, python: "tuple[type, ...]") -> "Callable[[str], Check]":
    def make(path: str) -> "Check":
        if len(python) == 1:
            (only,) = python

            def check_one(value: "Any", at: str) -> None:
                if type(value) is not only:
                    raise Violation(at or path, "type", f"must be {word}, got {kind(value)} ({show(value)})")

            return check_one

        def check(value: "Any", at: str) -> None:
            if type(value) not in python:
                raise Violation(at or path, "type", f"must be {word}, got {kind(value)} ({show(value)})")

        return check

    return make


_PYTHON: "dict[str, tuple[type, ...]]" = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "bytes": (bytes,),
}  # fmt: skip


def _timestamp_check(path: str) -> "Check":
    def check(value: "Any", at: str) -> None:
        try:
            moment.parse(value)
        except BadArgument:
            problem = f"must be a time (RFC 3339 text or Unix seconds), got {show(value)}"
            raise Violation(at or path, "type", problem) from None

    return check


_TYPE_CHECKS: "dict[str, Callable[[str], Check | None]]" = {
    "string": _type_check("text", _PYTHON["string"]),
    "integer": _type_check("an integer", _PYTHON["integer"]),
    "number": _type_check("a number", _PYTHON["number"]),
    "boolean": _type_check("a boolean", _PYTHON["boolean"]),
    "list": _type_check("a list", (list,)),
    "object": _type_check("a map", (dict,)),
    "timestamp": _timestamp_check,
    "bytes": _type_check("bytes", _PYTHON["bytes"]),
    "any": lambda _: None,
}


def _rule_checks(field: Field, path: str) -> "list[Check]":
    """The checks of the rules, where the type is known to be right."""
    rules = field.rules
    checks: list[Check] = []
    unit = {"string": "characters", "bytes": "bytes"}.get(field.type, "items")
    if "min_length" in rules or "max_length" in rules:
        least, most = rules.get("min_length", 0), rules.get("max_length")

        def check_length(value: "Any", at: str) -> None:
            length = len(value)
            if most is not None and length > most:
                raise Violation(at or path, "max_length", f"has {length} {unit}, the limit is {most}")
            if length < least:
                raise Violation(at or path, "min_length", f"has {length} {unit}, the least is {least}")

        checks.append(check_length)
    if "min" in rules or "max" in rules:
        low, high = rules.get("min"), rules.get("max")

        def check_range(value: "Any", at: str) -> None:
            if high is not None and value > high:
                raise Violation(at or path, "max", f"must be at most {high}, got {value}")
            if low is not None and value < low:
                raise Violation(at or path, "min", f"must be at least {low}, got {value}")

        checks.append(check_range)
    if "pattern" in rules:
        pattern: Pattern = rules["pattern"]

        def check_pattern(value: "Any", at: str) -> None:
            if not pattern.is_in(value):
                raise Violation(at or path, "pattern", f"must match {pattern.text!r}, got {show(value)}")

        checks.append(check_pattern)
    if field.enum is not None:
        allowed = field.enum

        def check_enum(value: "Any", at: str) -> None:
            if not any(is_same(value, item) for item in allowed):
                raise Violation(at or path, "enum", f"must be one of {show(allowed)}, got {show(value)}")

        checks.append(check_enum)
    return checks


def _items_check(items: Field, path: str, level: int) -> "Check":
    check = items.checker(f"{path}[]", level)

    def check_items(value: "list[Any]", at: str) -> None:
        for index, item in enumerate(value):
            check(item, at_index(at or path, index))

    return check_items
