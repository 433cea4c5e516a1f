"""The arguments of scripts, checked: from what crosses to what the function of the host takes."""

from llmspell import values
from llmspell.errors import BadArgument, BadValue, LimitExceeded
from llmspell.surface.model import Callback, Field, Form, Function, Handle, Type, camel_case

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmspell.surface.host import Host

    Convert = Callable[[Any], Any]

MAX_NESTING = 32
"""How deep functions of the script may stand inside each other's host functions, before a C or Python stack is used up."""
SCALAR_KINDS = frozenset(("boolean", "integer", "number", "string", "choice"))
CALLBACKS = {"callback": "f", "lasting_callback": "F"}
DEFINITIONS = {"definition": "d", "lasting": "D"}
SELF = "what it is called on"
SELF_HINT = "call a method on its object: object:name() in Lua, object.name() in JavaScript"


def slot(type: Type) -> str:
    if type.kind in SCALAR_KINDS:
        return "s"
    if type.kind in DEFINITIONS:
        return DEFINITIONS[type.kind]
    if type.kind == "handle":
        return "h" if type.item is None else "H"
    return CALLBACKS.get(type.kind, "v")


def options_slot(function: Function) -> str:
    """The slot of the options: `h` when handles may stand in them, else `v`; "" when there are none."""
    if any(option.type.kind in ("handle", "assembly") for option in function.options):
        return "h"
    return "v" if function.options else ""


def no_options(_raw: "Any") -> "dict[str, Any]":
    """What is read where there are none: the prelude has refused them already."""
    return {}


MAX_KNOWN_OPTIONS, MAX_KNOWN_LENGTH = 64, 64
CONSTANT_KINDS = SCALAR_KINDS | {"payload", "moment"}


class Options:
    """The trailing table or object: known names in either spelling, each of its type.

    Scripts give the same few again and again: what was read is kept, unless something in it could be changed.
    """

    def __init__(self, host: "Host", function: Function) -> None:
        self.host = host
        self.function = function
        self.fields = {field.name: field for field in function.options}
        self.fields.update({camel_case(field.name): field for field in function.options})
        self._are_constant = all(field.type.kind in CONSTANT_KINDS for field in function.options)
        self._known: dict[Any, dict[str, Any]] = {}
        self._may_hold = options_slot(function) == "h"

    def read(self, raw: "Any") -> "dict[str, Any]":
        """The options by their names in Python."""
        known = self._known.get(raw)
        if known is None:
            known = self._read(raw)
            if self._are_constant and len(raw) <= MAX_KNOWN_LENGTH:
                if len(self._known) == MAX_KNOWN_OPTIONS:
                    self._known.clear()
                self._known[raw] = known
        return known

    def _read(self, raw: "Any") -> "dict[str, Any]":
        wire = self.host.wire
        given = wire.definition(raw, self.host.held) if self._may_hold else values.decode(wire.payload(raw))
        if not isinstance(given, dict):
            position = len(self.function.parameters) + 1
            raise BadArgument(
                f"the options (argument {position}) must be {self.host.a('map')}, got {self.host.got(given)}"
            )
        arguments = {}
        for name, value in given.items():
            field = self.fields.get(name)
            if field is None:
                names = ", ".join(option.name for option in self.function.options)
                raise BadArgument(f"unknown option '{name}'; the options are {names}")
            if field.python in arguments:
                raise BadArgument(f"the option '{field.name}' is given in both spellings")
            if value is None:
                continue
            kind = field.type.kind
            if self._may_hold and kind not in ("handle", "assembly"):
                _refuse_handles(value, f"$.{name}")
            if kind == "payload":
                value = values.encode(value)
            elif kind != "assembly":
                value = conform(value, field.type, f"the option '{name}'", self.host)
            arguments[field.python] = value
        return arguments


def argument(host: "Host", parameter: Field, position: int, function: Function) -> "Convert":
    """The reader of one positional argument: raw to what the method takes."""
    type_ = parameter.type
    kind = type_.kind
    where = describe(parameter, position)
    wire = host.wire

    def absent() -> "Any":
        if not parameter.is_required:
            return parameter.default
        if type_.optional:
            return None
        hint = SELF_HINT if position < 0 else ""
        raise BadArgument(f"{where} is missing; it must be {host.expected(type_)}", hint=hint)

    if kind == "payload":
        return wire.payload
    if kind in CALLBACKS:
        return lambda raw: absent() if raw is None else callback(host, int(wire.scalar(raw)), function)
    if kind == "handle":

        def held(raw: "Any") -> "Any":
            value = None if raw is None else wire.scalar(raw)
            if value is None:
                return absent()
            if type(value) is not int:  # text, which the prelude lets through where it may stand
                return conform(value, type_.item or type_, where, host)
            handle = host.held(value)
            if isinstance(handle, type_.python):
                return handle
            got = "nothing" if handle is None else type(handle).__name__
            hint = SELF_HINT if position < 0 else ""
            raise BadArgument(f"{where} must be {host.expected(type_)}, got {a(got)}", hint=hint)

        return held
    if kind in DEFINITIONS:

        def definition(raw: "Any") -> "Any":
            value = wire.definition(raw, lambda token: callback(host, token, function)) if raw is not None else None
            return absent() if value is None else value

        return definition
    if slot(type_) == "v":

        def structured(raw: "Any") -> "Any":
            value = values.decode(wire.payload(raw)) if raw is not None else None
            if value is None and (kind != "anything" or not parameter.is_required):
                return absent()
            return conform(value, type_, where, host)

        return structured

    is_number = kind in ("integer", "number")

    def plain(raw: "Any") -> "Any":
        value = wire.scalar(raw)
        if is_number and type(value) is int:
            return value
        return absent() if value is None else conform(value, type_, where, host)

    return wire.text(plain) if kind == "string" else plain


def callback(host: "Host", token: int, function: Function) -> Callback:
    stop, wire = host.stop, host.wire

    def invoke(parts: tuple[str | bytes, ...], seconds: float, form: Form | None = None) -> bytes:
        if stop.nesting == MAX_NESTING:
            raise LimitExceeded(f"functions are nested in each other's calls deeper than {MAX_NESTING} levels")
        stop.nesting += 1
        try:
            return wire.invoke(token, parts, seconds, form)
        finally:
            stop.nesting -= 1

    return Callback(invoke, function.call)


def conform(value: "Any", type_: Type, where: str, host: "Host") -> "Any":
    """`value` as the declared type, or BadArgument naming `where`; whole floats count as integers."""
    kind = type_.kind
    found = kind_of(value)
    if value is None and type_.optional:
        return None
    if found == "number" and value - value != 0 and kind != "anything":
        got = "NaN" if value != value else "infinite number"
        raise BadArgument(f"{where} must be {host.expected(type_)}, got {a(got)}")
    if kind == "handle":
        if isinstance(value, type_.python):
            return value
        if isinstance(value, Handle):
            raise BadArgument(f"{where} must be {host.expected(type_)}, got {host.got(value)}")
        if type_.item is not None:
            return conform(value, type_.item, where, host)
    if kind == "reference":
        text = type_.python.text_of(value) if found == "map" else None
        if text is not None:
            value, found = text, "string"
        kind = "string"
    if kind == "anything" or found == kind:
        if kind == "string":
            _refuse_surrogates(value, where)
        elif kind == "list" and type_.item is not None:
            return [conform(item, type_.item, f"{where}, item {i + 1}", host) for i, item in enumerate(value)]
        elif kind == "map" and type_.item is not None:
            return {key: conform(item, type_.item, f"{where}, '{key}'", host) for key, item in value.items()}
        return value
    if kind == "list" and value == {}:
        return []
    if kind == "integer" and found == "number" and value.is_integer() and abs(value) < 2**63:
        return int(value)
    if kind == "number" and found == "integer":
        return value
    if kind == "moment" and found in ("string", "integer", "number"):
        return value
    if kind == "choice" and found == "string":
        if value in type_.python.values:
            return value
        raise BadArgument(f"{where} must be one of {', '.join(type_.python.values)}, got '{value}'")
    if found == "bytes" and kind in ("string", "moment", "choice"):
        raise BadArgument(f"{where} is not valid UTF-8")
    if kind == "integer" and found == "number":
        raise BadArgument(f"{where} must be {host.expected(type_)}, got {value:g}")
    raise BadArgument(f"{where} must be {host.expected(type_)}, got {host.got(value)}")


def _refuse_handles(value: "Any", path: str) -> None:
    if isinstance(value, Handle):
        raise BadValue(f"cannot store {type(value).__name__} (at {path})")
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            _refuse_handles(item, f"{path}.{key}" if isinstance(key, str) else f"{path}[{key}]")


def _refuse_surrogates(text: str, where: str) -> None:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise BadArgument(f"{where} has a lone surrogate") from None


def kind_of(value: "Any") -> str:
    """The kind, in the words of `Type`, of a decoded value."""
    for python, kind in _KINDS:
        if isinstance(value, python):
            return kind
    return "none"


_KINDS: "tuple[tuple[type, str], ...]" = (
    (bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (bytes, "bytes"), (list, "list"), (dict, "map"),
)  # fmt: skip


def describe(parameter: Field, position: int) -> str:
    if position < 0:
        return SELF
    return f"{parameter.name} (argument {position + 1})"


def a(word: str) -> str:
    """The word with its article."""
    return word if word in ("nothing", "nil", "NaN") else f"{'an' if word[:1] in 'aeiou' else 'a'} {word}"
