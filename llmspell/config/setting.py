"""Setting and Section: the two words in which the configuration is declared.

A section is a class whose body declares settings and names its sub-sections:

    class Journal(Section):
        keep_days: int = setting(30, "how long changes are kept", minimum=0, unit="days")

Annotation, default, help, limits and old spellings stand there and nowhere else: the checks, the reference page, the
JSON Schema and the sample file are made from them.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, TypedDict, Unpack

    class Options(TypedDict, total=False):
        """What `setting()` takes besides default and help."""

        minimum: float
        maximum: float
        choices: tuple[str, ...]
        synonyms: dict[str, str]
        open: bool
        unit: str
        old: "tuple[str | Spelling, ...]"
        check_more: Callable[[Any], str]
        example: Any
        secret: bool
        required: bool


KINDS: "dict[object, str]" = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list[str]: "strings",
    bool | list[str]: "grant",
    dict[str, str]: "table",
}
"""The name of every kind of setting under its annotation; a list of sections has the kind `tables`."""

PHRASES = {
    "boolean": "true or false",
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "strings": "a list of strings",
    "grant": "true, false or a list of strings",
    "table": "a table of strings",
    "tables": "an array of tables",
}

INT_MAX = 2**63 - 1


class Complaint(Exception):
    """Why a value is refused, as the end of a sentence that begins with the key: `must be true or false, got 5`.

    `below` is the place of the fault inside the value, to find its line: `[0].principal`.
    """

    def __init__(self, text: str, below: str = "") -> None:
        super().__init__(text)
        self.below = below


class Spelling:
    """Another name of a setting, from older files or in another section.

    `key` is dotted, from the top. A `kind` other than the setting's own is checked first; then `convert` turns the
    value into the setting's, or into None when it says nothing. `combine(value, other)` decides when the source gives
    the setting itself as well, as its docstring says in the reference page; without it the two have to agree.
    """

    __slots__ = ("combine", "convert", "key", "kind")

    def __init__(
        self,
        key: str,
        *,
        kind: str = "",
        convert: "Callable[[Any], Any] | None" = None,
        combine: "Callable[[Any, Any], Any] | None" = None,
    ) -> None:
        self.key = key
        self.kind = kind
        self.convert = convert
        self.combine = combine


class Setting:
    """One declared key. `setting()` makes them; `Section` binds each to its annotation, the Catalogue gives the key."""

    key = ""
    kind = ""
    item: "type[Section] | None" = None
    minimum: "float | None" = None
    maximum: "float | None" = None
    choices: "tuple[str, ...]" = ()
    synonyms: "dict[str, str] | None" = None
    open = False
    unit = ""
    old: "tuple[str | Spelling, ...]" = ()
    check_more: "Callable[[Any], str] | None" = None
    example: "Any" = None
    secret = False
    required = False

    def __init__(self, default: "Any", help: str) -> None:
        self.default = default
        self.help = help

    def bind(self, annotation: "Any") -> None:
        """Learn the kind from the annotation of the class body."""
        kind = KINDS.get(annotation)
        if kind is None:
            self.kind = "tables"
            self.item = annotation.__args__[0]
        else:
            self.kind = kind

    def allowed(self) -> str:
        """What a value may be, in words: `an integer of at least 0 (seconds)`."""
        if self.choices and self.kind == "string":
            words = ", ".join(f'"{choice}"' for choice in (*self.choices, *(self.synonyms or ())))
            if len(self.choices) > 1:
                words = "one of " + words
            return words + " or the name of a plug-in" if self.open else words
        words = PHRASES[self.kind]
        if self.choices:
            words = "a table whose values are each one of " + ", ".join(f'"{choice}"' for choice in self.choices)
        if self.maximum is not None:
            words += f" from {self.minimum} to {self.maximum:_}"
        elif self.minimum is not None:
            words += f" of at least {self.minimum}"
        return f"{words} ({self.unit})" if self.unit else words

    def check(self, value: "Any") -> "Any":
        """The value as it will be stored; raises Complaint when it may not be."""
        if not fits(self.kind, value):
            raise self.complaint(value)
        kind = self.kind
        if kind == "integer" or kind == "number":
            minimum = -INT_MAX - 1 if self.minimum is None else self.minimum
            maximum = INT_MAX if self.maximum is None else self.maximum
            if not minimum <= value <= maximum:
                raise self.complaint(value)
        elif kind == "string":
            value = self.synonyms.get(value, value) if self.synonyms else value
            if self.choices and value not in self.choices and not (self.open and self._is_plugin(value)):
                raise self.complaint(value)
        elif kind == "table":
            for name, item in value.items():
                if not name or (self.choices and item not in self.choices):
                    raise self.complaint(value, name)
        elif kind == "tables":
            value = [self._check_item(item, f"[{index}]") for index, item in enumerate(value)]
        if self.check_more is not None:
            problem = self.check_more(value)
            if problem:
                raise Complaint(problem)
        return value

    def complaint(self, value: "Any", name: str | None = None) -> Complaint:
        """The complaint that `value` (of a table: under `name`) is not what is allowed.

        A secret is named by its type only.
        """
        from llmspell.config.wording import describe, quoted, type_name

        got = type_name(value) if self.secret else describe(value)
        return Complaint(f"must be {self.allowed()}, got {got}", "" if name is None else "." + quoted(name))

    def _is_plugin(self, name: str) -> bool:
        from importlib.metadata import entry_points

        return bool(name) and any(point.name == name for point in entry_points(group="llmspell.stores"))

    def _check_item(self, table: "dict[str, Any]", below: str) -> "dict[str, Any]":
        assert self.item is not None
        settings = self.item.SETTINGS
        for name in table:
            if name not in settings:
                from llmspell.config.wording import nearest, quoted

                known = nearest(name, settings, cutoff=0.0)
                raise Complaint(
                    f"has the unknown key {quoted(name)}; the nearest known key is {known}", f"{below}.{quoted(name)}"
                )
        checked = {}
        for name, setting in settings.items():
            if name in table:
                try:
                    checked[name] = setting.check(table[name])
                except Complaint as complaint:
                    raise Complaint(f"has a {name} that {complaint}", f"{below}.{name}") from None
            elif setting.required:
                raise Complaint(f"has a rule without {name}, which must be {setting.allowed()}", below)
        return checked


def fits(kind: str, value: "Any") -> bool:
    """Is `value` of this kind? Never converts: `1` is no boolean, `true` no integer, and infinities are no numbers."""
    got = type(value)
    if kind == "boolean":
        return got is bool
    if kind == "integer":
        return got is int
    if kind == "number":
        return got is int or (got is float and value - value == 0)
    if kind == "string":
        return got is str and is_clean(value)
    if kind == "strings":
        return got is list and all(type(item) is str and is_clean(item) for item in value)
    if kind == "grant":
        return got is bool or fits("strings", value)
    if kind == "table":
        return got is dict and fits("strings", [*value.keys(), *value.values()])
    return got is list and all(type(item) is dict for item in value)


def is_clean(text: str) -> bool:
    """Text without NUL (no path can hold it) and without lone surrogates (no output can)."""
    if text.isascii():
        return "\0" not in text
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def setting(default: "Any", help: str, **options: "Unpack[Options]") -> "Any":
    """Declare a key of a Section.

    `choices` are the texts allowed (for a table: as its values), `synonyms` other texts and the choice each stands for;
    with `open`, the name of an installed store plug-in is allowed too. `old` lists other spellings: a bare name is one
    of the same section. `check_more` returns what is wrong with a value of the right kind, or "". `example` is shown
    where the default is empty. A `secret` value is never printed. `required` is for the keys of an array of tables.
    """
    declared = Setting(default, help)
    declared.__dict__.update(options)
    return declared


class Section:
    """A TOML table: its settings as attributes, with their defaults until a Config says otherwise.

    `ignored` names keys that load, are used for nothing, and why; a dotted one lies below this section.
    """

    SETTINGS: "ClassVar[dict[str, Setting]]"
    SECTIONS: "ClassVar[dict[str, type[Section]]]"
    IGNORED: "ClassVar[dict[str, str]]"

    def __init_subclass__(cls, ignored: "dict[str, str] | None" = None) -> None:
        cls.SETTINGS = dict(getattr(cls, "SETTINGS", {}))
        cls.SECTIONS = dict(getattr(cls, "SECTIONS", {}))
        cls.IGNORED = ignored or {}
        for name, annotation in cls.__annotations__.items():
            declared = cls.__dict__.get(name)
            if isinstance(declared, Setting):
                declared.bind(annotation)
                cls.SETTINGS[name] = declared
                setattr(cls, name, declared.default)
            elif isinstance(annotation, type) and issubclass(annotation, Section):
                cls.SECTIONS[name] = annotation

    def __init__(self) -> None:
        for name, section in self.SECTIONS.items():
            setattr(self, name, section())
        for name, declared in self.SETTINGS.items():
            if declared.default.__class__ in (list, dict):
                setattr(self, name, declared.default.copy())
