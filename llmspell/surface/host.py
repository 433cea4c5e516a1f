"""The one path by which scripts call the host: check the arguments, call, turn every outcome into a reply.

Nothing here raises into an engine: an error becomes a reply that the prelude throws as the language's own error. A
language differs only in its `Wire`: how an argument is written when it arrives, and how a reply is written.

Per parameter the prelude is told a *slot*: `s` (a scalar crosses as it is), `v` (any value, encoded by the prelude), `f`
or `F` (a function, kept by the prelude, crosses as a token), `d` or `D` (a value in which functions stand, each as its
token), `h` or `H` (a handle, crosses as the host's token of it; `H` takes text too). What `F` and `D` got is kept for good.

A handle goes to the prelude as its token and its text; what the prelude makes of them is the only thing that it lets back in.
"""

from llmspell import values
from llmspell.errors import BadArgument, BadValue, InternalError, Interrupted, LimitExceeded, LlmspellError
from llmspell.surface.model import (
    Callback,
    CallbackFailed,
    Field,
    Form,
    Function,
    Global,
    Handle,
    Record,
    Type,
    camel_case,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from abc import abstractmethod
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol

    Convert = Callable[[Any], Any]

    class Stoppable(Protocol):
        """Once `reason` is set, the script is ending and no function of the host does anything any more."""

        nesting: int
        """How many functions of the script are running inside host functions."""

        @property
        def reason(self) -> object: ...

        @property
        def is_due(self) -> bool:
            """Whether there is something to see to before the next function of the host."""

        def attend(self) -> bool:
            """See to it; whether the script is ending."""

    class Wire(Protocol):
        """What one language needs for its arguments and replies."""

        words: dict[str, str]
        """What the language's authors call a type: `map` is a table in Lua, an object in JavaScript."""

        @abstractmethod
        def scalar(self, raw: Any) -> Any:
            """A scalar argument as None, bool, int, float, str, or bytes that are no text."""

        @abstractmethod
        def text(self, otherwise: Convert) -> Convert:
            """A quick reader of ASCII text; what it does not know at a glance it leaves to `otherwise`."""

        @abstractmethod
        def payload(self, raw: Any) -> bytes:
            """An encoded argument as a payload."""

        @abstractmethod
        def definition(self, raw: Any, callback: Callable[[int], Any]) -> Any:
            """An encoded definition as a value, with `callback(token)` in the place of each function.

            No script can make a value that is taken for a function.
            """

        @abstractmethod
        def invoke(self, token: int, parts: tuple[str | bytes, ...], seconds: float, form: Form | None) -> bytes:
            """Run the script's function behind `token`; raises CallbackFailed when it raised.

            The parts are its arguments, as payloads, or with a form what fills that. With `seconds` above 0, an overrun ends
            it with Timeout.
            """

        @abstractmethod
        def reply(self, result: Type) -> Convert:
            """What turns a result of this type into what the prelude expects."""

        @abstractmethod
        def failure(self, error: LlmspellError) -> Any:
            """The reply that the prelude throws as an error."""

        @abstractmethod
        def rethrow(self) -> Any:
            """The reply at which the prelude throws again what the script's function raised."""


MAX_NESTING = 32
"""How deep functions of the script may stand inside each other's host functions, before a C or Python stack is used up."""
MAX_HANDLES = 100_000
"""How many handles one script may come to hold; they stay for as long as it runs."""
SCALAR_KINDS = frozenset(("boolean", "integer", "number", "string", "choice"))
RAW_KINDS = SCALAR_KINDS | {"bytes"}
"""What crosses to Lua as it is when it is the field of a record."""
STRUCTURED_RESULTS = frozenset(("anything", "payload", "list", "map", "record", "handle"))
CALLBACKS = {"callback": "f", "lasting_callback": "F"}
DEFINITIONS = {"definition": "d", "lasting": "D"}
SELF = "what it is called on"
SELF_HINT = "call a method on its object: object:name() in Lua, object.name() in JavaScript"
MISSING_VALUE = "to store nothing, say so: nil in Lua, null in JavaScript"


class Host:
    """The functions of some globals, bound for one language."""

    def __init__(self, wire: "Wire", report_bug: "Callable[[BaseException], None]", stop: "Stoppable") -> None:
        self.wire = wire
        self.report_bug = report_bug
        self.stop = stop
        self.bound: list[Bound] = []
        self.handles: list[Handle] = []
        self.tokens: dict[int, int] = {}
        self.given: set[type[Handle]] = set()

    def bind(self, owner: Global) -> "Iterator[Bound]":
        """Bind every function and constant of `owner`, and the methods of the handles that it is the first to give."""
        space = "" if owner.is_bare else owner.name
        for function in owner.functions:
            yield from self._bind(space, function, getattr(owner, function.python))
        for constant in owner.constants:
            yield from self._bind(space, constant, _Reading(owner, constant.python))

    def _bind(
        self, space: str, function: Function, method: "Callable[..., Any]", self_type: Type | None = None
    ) -> "Iterator[Bound]":
        bound = Bound(self, space, function, method, len(self.bound), self_type)
        self.bound.append(bound)
        given = function.result.handle
        if given is not None and given not in self.given:
            self.given.add(given)
            for each in given.functions:
                yield from self._bind(given.__name__, each, getattr(given, each.python), Type("handle", python=given))
        yield bound

    def held(self, token: int) -> Handle | None:
        """What a token stands for, or None."""
        return self.handles[token] if 0 <= token < len(self.handles) else None

    def hold(self, handle: Handle) -> "list[Any]":
        """Token and text of a handle, as the prelude gets them; the same one has the same token for ever."""
        token = self.tokens.get(id(handle))
        if token is None:
            token = len(self.handles)
            if token == MAX_HANDLES:
                raise LimitExceeded(f"the script has made more than {MAX_HANDLES:,} objects; they stay until it ends")
            self.handles.append(handle)
            self.tokens[id(handle)] = token
        return [token, str(handle)]

    def mistyped(self, index: int, position: int, got: str) -> "Any":
        """The reply for an argument that cannot even cross: a table where a string belongs, no function, and the like."""
        bound = self.bound[index]
        if bound.is_method:
            position -= 1
        if position < 0:
            return self.failure(
                BadArgument(f"{SELF} must be {self.a(bound.space)}, got {a(got)}", hint=SELF_HINT), bound.function
            )
        parameter = bound.function.parameters[position] if position < len(bound.function.parameters) else None
        if parameter is None:
            names = ", ".join(option.name for option in bound.function.options)
            error = BadArgument(f"the options (argument {position + 1}) must be {self.a('map')}, got {a(got)}")
            if not bound.function.options:
                error = BadArgument(f"takes at most {position} argument{'s' * (position != 1)}, got more")
            elif got == "extra":
                error = BadArgument(
                    f"takes at most {position + 1} argument{'s' * (position > 0)}, the last one with the options {names}"
                )
        elif got == "nothing":
            error = BadArgument(f"{describe(parameter, position)} is missing", hint=MISSING_VALUE)
        else:
            error = BadArgument(
                f"{describe(parameter, position)} must be {self.expected(parameter.type)}, got {a(got)}"
            )
        return self.failure(error, bound.function)

    def unstorable(self, index: int, path: str, problem: str) -> "Any":
        """The reply for a value that the prelude cannot encode; an index below 0 is the result of the script or a function."""
        if index < 0:
            return self.failure(BadValue(f"the result cannot be passed on: {problem} (at {path})"), None)
        return self.failure(BadValue(f"{problem} (at {path})"), self.bound[index].function)

    def failure(self, error: LlmspellError, function: Function | None) -> "Any":
        if function is not None and not error.call:
            error.call = function.call
        return self.wire.failure(error)

    def expected(self, type: Type) -> str:
        """The type in the words of the language, with its article."""
        if type.kind == "choice":
            return "one of " + ", ".join(type.python.values)
        if type.kind == "handle":
            name = a(type.python.__name__)
            return name if type.item is None else f"{self.expected(type.item)} or {name}"
        return self.a("string" if type.kind == "reference" else type.kind)

    def got(self, value: "Any") -> str:
        """What a value is, in the words of the language, with its article."""
        if isinstance(value, Handle):
            return a(type(value).__name__)
        kind = kind_of(value)
        return self.a("number" if kind == "integer" else kind)

    def a(self, kind: str) -> str:
        return a(self.wire.words.get(kind, kind))


class _Reading:
    """A constant as the function that gives it."""

    def __init__(self, owner: Global, name: str) -> None:
        self.owner = owner
        self.name = name

    def __call__(self) -> "Any":
        return getattr(self.owner, self.name)


class Bound:
    """One function as the prelude gets it: `call` takes raw arguments and returns a reply, and never raises.

    `space` is the global or the class of handles that it is a member of, or "". A method gets what it is called on as its first
    argument. `handle` is the class of handles that it returns (or returns a list of), or "".
    """

    def __init__(
        self, host: Host, space: str, function: Function, method: "Callable[..., Any]", index: int, self_type: Type | None
    ) -> None:  # fmt: skip
        self.space = space
        self.function = function
        self.index = index
        self.is_method = self_type is not None
        self.kind = "method" if self.is_method else "constant" if isinstance(method, _Reading) else "function"
        self.names = tuple(dict.fromkeys((function.name, camel_case(function.name))))
        self.slots = "h" * self.is_method + "".join(slot(parameter.type) for parameter in function.parameters)
        self.required = function.required_count + self.is_method
        self.options = options_slot(function)
        self.handle = function.result.handle.__name__ if function.result.handle else ""
        self.is_structured = function.result.kind in STRUCTURED_RESULTS
        self.text_field = text_field(function.result)
        self.layout = layout(function.result)
        self.call = _call(host, function, method, self_type)


def options_slot(function: Function) -> str:
    """The slot of the options: `h` when handles may stand in them, else `v`; "" when there are none."""
    if any(option.type.kind in ("handle", "assembly") for option in function.options):
        return "h"
    return "v" if function.options else ""


def text_field(result: Type) -> str:
    """The field that is the text of a result, or of each item of one, or ""."""
    kind = result if result.item is None else result.item
    return kind.python.text_field if kind.kind == "record" else ""


def layout(result: Type) -> str:
    """The fields of a record, those that cross to Lua as a payload with a `*` behind them; or ""."""
    if result.kind != "record":
        return ""
    return ",".join(field.name + "*" * (field.type.kind not in RAW_KINDS) for field in result.python.fields)


def slot(type: Type) -> str:
    if type.kind in SCALAR_KINDS:
        return "s"
    if type.kind in DEFINITIONS:
        return DEFINITIONS[type.kind]
    if type.kind == "handle":
        return "h" if type.item is None else "H"
    return CALLBACKS.get(type.kind, "v")


def _call(host: Host, function: Function, method: "Callable[..., Any]", self_type: Type | None) -> "Callable[..., Any]":
    readers = tuple(
        _argument(host, parameter, position, function) for position, parameter in enumerate(function.parameters)
    )
    if self_type is not None:
        readers = (_argument(host, Field("self", self_type), -1, function), *readers)
    read_options = _Options(host, function).read if function.options else _no_options
    reply = _handles(host, function.result) if function.result.handle else host.wire.reply(function.result)
    stop = host.stop

    def settle(error: BaseException) -> "Any":
        if isinstance(error, CallbackFailed):
            return host.wire.rethrow()
        if not isinstance(error, LlmspellError):
            host.report_bug(error)
            error = InternalError(f"an unexpected {type(error).__name__}: {error}")
        return host.failure(error, function)

    def call(*raw: "Any") -> "Any":
        try:
            if stop.is_due and stop.attend():
                return host.wire.failure(Interrupted("interrupted"))
            arguments = [read(item) for read, item in zip(readers, raw, strict=False)]
            if len(raw) > len(readers) and raw[-1] is not None:
                return reply(method(*arguments, **read_options(raw[-1])))
            return reply(method(*arguments))
        except BaseException as error:
            return settle(error)

    if len(readers) == 2:
        first, second = readers

        def call_two(one: "Any" = None, two: "Any" = None, more: "Any" = None) -> "Any":
            if stop.is_due:
                return call(one, two, more)
            try:
                if more is not None:
                    return reply(method(first(one), second(two), **read_options(more)))
                return reply(method(first(one), second(two)))
            except BaseException as error:
                return settle(error)

        return call_two
    if len(readers) == 3:
        first, second, third = readers

        def call_three(one: "Any" = None, two: "Any" = None, three: "Any" = None, more: "Any" = None) -> "Any":
            if stop.is_due:
                return call(one, two, three, more)
            try:
                if more is not None:
                    return reply(method(first(one), second(two), third(three), **read_options(more)))
                return reply(method(first(one), second(two), third(three)))
            except BaseException as error:
                return settle(error)

        return call_three
    return call


def _no_options(_raw: "Any") -> "dict[str, Any]":
    """What is read where there are none: the prelude has refused them already."""
    return {}


MAX_KNOWN_OPTIONS, MAX_KNOWN_LENGTH = 64, 64
CONSTANT_KINDS = SCALAR_KINDS | {"payload", "moment"}


class _Options:
    """The trailing table or object: known names in either spelling, each of its type.

    Scripts give the same few again and again: what was read is kept, unless something in it could be changed.
    """

    def __init__(self, host: Host, function: Function) -> None:
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


def _argument(host: Host, parameter: Field, position: int, function: Function) -> "Convert":
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
        return lambda raw: absent() if raw is None else _callback(host, int(wire.scalar(raw)), function)
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
            value = wire.definition(raw, lambda token: _callback(host, token, function)) if raw is not None else None
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


def _handles(host: Host, result: Type) -> "Convert":
    """A result that is a handle or a list of them."""
    reply = host.wire.reply(Type("anything"))
    if result.kind == "list":
        return lambda handles: reply(None if handles is None else [host.hold(each) for each in handles])
    return lambda handle: reply(None if handle is None else host.hold(handle))


def _callback(host: Host, token: int, function: Function) -> Callback:
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


def conform(value: "Any", type_: Type, where: str, host: Host) -> "Any":
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


def fields_of(error: LlmspellError) -> dict[str, str]:
    """What an error tells a script, as text that can be encoded: the name of a file in a message need not be."""
    fields = {"code": error.code, "message": error.message, "hint": error.hint, "call": error.call}
    return {name: text.encode(errors="replace").decode() for name, text in fields.items() if text}


def describe(parameter: Field, position: int) -> str:
    if position < 0:
        return SELF
    return f"{parameter.name} (argument {position + 1})"


def a(word: str) -> str:
    """The word with its article."""
    return word if word in ("nothing", "nil", "NaN") else f"{'an' if word[:1] in 'aeiou' else 'a'} {word}"


def plain(result: "Any", type_: Type) -> "Any":
    """A method's structured result as a value: records become dicts without their absent fields, payloads are decoded."""
    if result is None:
        return None
    if type_.kind == "payload":
        return values.decode(result)
    if type_.kind == "choice":
        return str(result)
    if type_.kind == "list" and type_.item is not None:
        item_type = type_.item
        if item_type.kind in ("string", "integer"):
            return list(result)
        return [plain(item, item_type) for item in result]
    if type_.kind == "map" and type_.item is not None:
        item_type = type_.item
        return {key: plain(item, item_type) for key, item in result.items()}
    if isinstance(result, Record):
        tree = {}
        for field in result.fields:
            item = getattr(result, field.python)
            if item is not None:
                tree[field.name] = plain(item, field.type)
        return tree
    return result
