"""What a script global is made of, read from the Python class that declares it.

A subclass of `Global` is one name that scripts see. Its public methods are the functions: the signature gives names,
order and defaults; keyword-only parameters are the trailing options; the type hints give types; the docstrings are the
documentation. Types come from a closed set (`Type`); anything else fails when the class is made.

Only what CPython gives without importing `inspect`, `typing` or `dataclasses` is used here: this module is on the path
of every script's start.
"""

from types import GenericAlias, UnionType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda cls: cls


class Choice(str):
    """A text out of a fixed set. Subclasses list it in `values`."""

    __slots__ = ()
    values: tuple[str, ...] = ()


if TYPE_CHECKING:
    Payload = bytes
    Anything = Any
    Moment = str | int | float
    Definition = Any
    LastingDefinition = Any
    Assembly = Any
else:

    class Payload:
        """Any value, still encoded (see `llmspell.values`): passed through, not looked at. The method gets bytes."""

    class Anything:
        """Any value, decoded. The method gets a plain Python value."""

    class Moment:
        """A time that comes in: RFC 3339 text or Unix seconds. The method gets text, an int or a float."""

    class Definition:
        """Any value, decoded, in which functions of the script may stand at any depth: each comes as a Callback.

        They may be called while the host function runs that got them.
        """

    class LastingDefinition:
        """A Definition whose functions are kept for as long as the script runs."""

    class Assembly:
        """Any value, decoded, in which handles may stand at any depth: each comes as itself. For options alone."""


class Callback:
    """A function of the script. Calling it with payloads runs it and gives the payload of its result.

    `name` is for messages. A call may only happen while the host function that got it is running, or, for functions
    that are kept (hooks, subscriptions), whenever the script's thread is inside another host function. An error that the
    script's function raises comes out as `CallbackFailed`.
    """

    __slots__ = ("fill", "name")

    def __init__(self, invoke: "Callable[..., bytes]", name: str) -> None:
        self.fill = invoke
        """`fill(parts, seconds, form)` runs it with the map that the parts make of a form, cheaper than a payload."""
        self.name = name

    def __call__(self, *payloads: bytes, seconds: float = 0.0) -> bytes:
        """Run it; with `seconds`, an overrun ends it with Timeout, which nothing in the script's function can catch."""
        return self.fill(payloads, seconds)


class Form:
    """A map for functions that are called again and again, of which only some values are new each time.

    `tree` is a map of text and of such maps, in which HOLE stands for a *part*: text as it is, or a payload; and TEXT for one
    that is always text. The parts fill the holes in their order. Each language prepares a form once, and lets only the parts
    cross.
    """

    __slots__ = ("tree",)
    HOLE, TEXT = None, True

    def __init__(self, tree: "dict[str, Any]") -> None:
        self.tree = tree


class LastingCallback(Callback):
    """A Callback that is kept for as long as the script runs: for hooks and subscriptions."""

    __slots__ = ()


class CallbackFailed(Exception):
    """A script's function raised. The engine keeps the error itself; let this pass and the script gets it back.

    Its text is that of the script's error, where it has one.
    """


@dataclass_transform(kw_only_default=True)
class Record:
    """A result with named fields, declared by annotations. A trailing `_` of a field's name is not part of it.

    Fields that are None are absent for the script; those of a base class come first. `text_field` names the field that is the
    text of the whole, for `tostring` and `String`, and that stands for it where a function takes `str | TheRecord`.
    """

    fields: "tuple[Field, ...]" = ()
    text_field = ""
    if TYPE_CHECKING:

        def __init_subclass__(cls) -> None: ...
    else:

        def __init_subclass__(cls) -> None:
            cls.__slots__ = ()
            cls.fields += tuple(
                Field(name, Type.of(hint), getattr(cls, name, REQUIRED)) for name, hint in cls.__annotations__.items()
            )
            for field in cls.fields:
                if field.type.handle:
                    raise TypeError(f"{cls.__name__}.{field.name}: a handle is no field of a record")

        def __init__(self, **values) -> None:
            self.__dict__.update(values)

    @classmethod
    def text_of(cls, fields: "dict[str, Any]") -> "str | None":
        """The text that a script's own fields stand for where `str | TheRecord` is taken; None when they are no such record."""
        text = fields.get(cls.text_field)
        return text if type(text) is str else None


class Handle:
    """Base of what the host keeps and a script holds: `config:get_mode()`. The class is the declaration, as a Global's is.

    Instances stay with the host for as long as the script runs; what the script has is a frozen object that stands for one of
    them, with the methods declared here. It is no value: it cannot be stored. A function may take one, and return one or a list
    of them. `str` of an instance, when it crosses first, is its text for scripts.
    """

    functions: "tuple[Function, ...]" = ()

    def __init_subclass__(cls) -> None:
        cls.functions = tuple(Function(cls.__name__, member) for member in _public(cls) if hasattr(member, "__code__"))

    def __str__(self) -> str:
        return type(self).__name__


class Type:
    """One type of the closed set.

    `kind` is one of: none, boolean, integer, number, string, bytes, anything, payload, moment, choice, list, map,
    record, reference, handle, callback, lasting_callback, definition, lasting, assembly. A reference is text, or a record whose
    `text_field` it is. `item` is the type of a list's or map's items, or the text that may stand in a handle's place; `python`
    is the class of a choice, record, reference or handle; `optional` says whether None is allowed.
    """

    __slots__ = ("item", "kind", "optional", "python")

    KINDS = {
        type(None): "none", None: "none", bool: "boolean", int: "integer", float: "number", str: "string", bytes: "bytes",
        Anything: "anything", Payload: "payload", Moment: "moment", Callback: "callback",
        LastingCallback: "lasting_callback", Definition: "definition", LastingDefinition: "lasting",
        Assembly: "assembly",
    }  # fmt: skip

    def __init__(self, kind: str, *, item: "Type | None" = None, python: "Any" = None, optional: bool = False) -> None:
        self.kind = kind
        self.item = item
        self.python = python
        self.optional = optional

    @classmethod
    def of(cls, hint: "Any") -> "Type":
        """The type of a hint; raises TypeError for one outside the closed set."""
        if isinstance(hint, UnionType):
            parts = [part for part in hint.__args__ if part is not type(None)]
            if len(parts) == 1 and len(hint.__args__) == 2:
                inner = cls.of(parts[0])
                return cls(inner.kind, item=inner.item, python=inner.python, optional=True)
            if len(parts) == 2 and parts[0] is str and getattr(parts[1], "text_field", None):
                return cls("reference", python=parts[1], optional=len(hint.__args__) == 3)
            if len(parts) == 2 and isinstance(parts[1], type) and issubclass(parts[1], Handle):
                text = cls.of(parts[0])
                if text.kind in ("string", "choice"):
                    return cls("handle", item=text, python=parts[1], optional=len(hint.__args__) == 3)
        elif isinstance(hint, GenericAlias):
            if hint.__origin__ is list:
                return cls("list", item=cls.of(hint.__args__[0]))
            if hint.__origin__ is dict and hint.__args__[0] is str:
                return cls("map", item=cls.of(hint.__args__[1]))
        elif hint in cls.KINDS:
            return cls(cls.KINDS[hint], optional=hint in (Anything, Payload))
        elif isinstance(hint, type) and issubclass(hint, Record):
            return cls("record", python=hint)
        elif isinstance(hint, type) and issubclass(hint, Handle):
            return cls("handle", python=hint)
        elif isinstance(hint, type) and issubclass(hint, Choice):
            return cls("choice", python=hint)
        raise TypeError(f"{hint!r} is no type that scripts can see")

    @property
    def handle(self) -> "type[Handle] | None":
        """The class of handles that this is, or is a list of."""
        kind = self.item if self.kind == "list" and self.item is not None else self
        return kind.python if kind.kind == "handle" else None


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: "Any" = _Required()


class Field:
    """A parameter of a function or a field of a record: `name` as scripts see it, `python` as the code does."""

    __slots__ = ("default", "name", "python", "type")

    def __init__(self, python: str, type: Type, default: "Any" = REQUIRED) -> None:
        self.python = python
        self.name = python.removesuffix("_")
        self.type = type
        self.default = default

    @property
    def is_required(self) -> bool:
        return self.default is REQUIRED

    @property
    def is_always_there(self) -> bool:
        """Whether a record that has it never has None for it."""
        return self.is_required and not self.type.optional


class Function:
    """One function of a global or handle: `parameters` are positional, `options` the trailing table or object.

    `requires` is the setting without which it is absent, or nothing. A constant is a function that is called once, when the
    globals are made, and whose result is the member.
    """

    __slots__ = ("_doc", "global_name", "name", "options", "parameters", "python", "requires", "result")

    def __init__(self, global_name: str, method: "Any", requires: str = "") -> None:
        code = method.__code__
        if code.co_flags & 0x0C:
            raise TypeError(f"{global_name}.{code.co_name}: *args and **kwargs have no meaning for scripts")
        hints = method.__annotations__
        names = code.co_varnames[1 : code.co_argcount]
        defaults = dict(zip(reversed(names), reversed(method.__defaults__ or ()), strict=False))
        keyword_only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        keyword_defaults = method.__kwdefaults__ or {}
        self.global_name = global_name
        self.requires = requires
        self.python = code.co_name
        self.name = code.co_name.removesuffix("_")
        self._doc = method.__doc__ or ""
        self.parameters = tuple(Field(name, Type.of(hints[name]), defaults.get(name, REQUIRED)) for name in names)
        self.options = tuple(
            Field(name, Type.of(hints[name]), keyword_defaults.get(name, REQUIRED)) for name in keyword_only
        )
        self.result = Type.of(hints["return"])
        inside = [field.type.item for field in (*self.parameters, *self.options) if field.type.kind in ("list", "map")]
        if any(kind is not None and kind.handle for kind in inside):
            raise TypeError(f"{self.call}: a handle is a parameter, an option or a result, but nothing inside of one")

    @property
    def doc(self) -> str:
        """The docstring without its indentation: made when it is asked for, which no run of a script does."""
        return clean_doc(self._doc)

    @property
    def call(self) -> str:
        """The name in messages: `State.save`."""
        return f"{self.global_name}.{self.name}" if self.global_name else self.name

    @property
    def required_count(self) -> int:
        return sum(parameter.is_required for parameter in self.parameters)


class Native:
    """A member that the prelude itself provides, because it has no shape a Python signature could say.

    `luacats` and `typescript` are its type in either language; an empty text means that the language has no such member.
    """

    __slots__ = ("doc", "luacats", "name", "typescript")

    def __init__(self, name: str, doc: str, *, luacats: str = "", typescript: str = "") -> None:
        self.name = name
        self.doc = clean_doc(doc)
        self.luacats = luacats
        self.typescript = typescript


class Global:
    """Base of every script global. The class is the declaration; an instance holds the services behind it.

    `languages` limits a global to some languages; `is_bare` puts its functions beside the globals instead of under a name
    (`sleep`). `natives` are members of the prelude's own making, declared for the documentation.

    A property is a constant: read once, when the globals are made; a scalar or a handle. A class named `Replay.modes` is a group:
    a member of the global `Replay`, with members of its own.

    Several classes may share a `name`: each is a part of that global, with functions of its own. `requires_setting` names the
    setting (`[state.migration] enabled`) without which the class is absent: the runtime then does not instantiate it.
    """

    name: str
    languages: tuple[str, ...] = ("lua", "javascript")
    is_bare = False
    functions: "tuple[Function, ...]" = ()
    constants: "tuple[Function, ...]" = ()
    natives: "tuple[Native, ...]" = ()
    requires_setting = ""

    def __init_subclass__(cls) -> None:
        prefix = "" if cls.is_bare else cls.name
        members = tuple(_public(cls))
        cls.functions = tuple(
            Function(prefix, member, cls.requires_setting) for member in members if hasattr(member, "__code__")
        )
        cls.constants = tuple(
            Function(prefix, member.fget, cls.requires_setting) for member in members if isinstance(member, property)
        )
        for constant in cls.constants:
            if constant.result.kind not in CONSTANT_KINDS:
                raise TypeError(f"{constant.call}: a constant is a scalar or a handle, since nobody may change it")


CONSTANT_KINDS = frozenset(("boolean", "integer", "number", "string", "choice", "handle"))


def _public(cls: type) -> "Iterator[Any]":
    """The members that a class declares for scripts."""
    return (member for name, member in vars(cls).items() if not name.startswith("_"))


def camel_case(name: str) -> str:
    """`list_keys` → `listKeys`: the second spelling of every name, by rule."""
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


def clean_doc(text: str) -> str:
    """A docstring without its indentation, as `inspect.cleandoc` gives it, without importing `inspect`."""
    first, _, rest = text.strip().partition("\n")
    lines = rest.split("\n") if rest else []
    margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    return "\n".join([first.rstrip(), *(line[margin:].rstrip() for line in lines)]).strip()
