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
from llmspell.surface.arguments import (
    SCALAR_KINDS,
    SELF,
    SELF_HINT,
    Options,
    a,
    argument,
    describe,
    kind_of,
    no_options,
    options_slot,
    slot,
)
from llmspell.surface.model import (
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


MAX_HANDLES = 100_000
"""How many handles one script may come to hold; they stay for as long as it runs."""
RAW_KINDS = SCALAR_KINDS | {"bytes"}
"""What crosses to Lua as it is when it is the field of a record."""
STRUCTURED_RESULTS = frozenset(("anything", "payload", "list", "map", "record", "handle"))
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


def text_field(result: Type) -> str:
    """The field that is the text of a result, or of each item of one, or ""."""
    kind = result if result.item is None else result.item
    return kind.python.text_field if kind.kind == "record" else ""


def layout(result: Type) -> str:
    """The fields of a record, those that cross to Lua as a payload with a `*` behind them; or ""."""
    if result.kind != "record":
        return ""
    return ",".join(field.name + "*" * (field.type.kind not in RAW_KINDS) for field in result.python.fields)


def _call(host: Host, function: Function, method: "Callable[..., Any]", self_type: Type | None) -> "Callable[..., Any]":
    readers = tuple(
        argument(host, parameter, position, function) for position, parameter in enumerate(function.parameters)
    )
    if self_type is not None:
        readers = (argument(host, Field("self", self_type), -1, function), *readers)
    read_options = Options(host, function).read if function.options else no_options
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


def _handles(host: Host, result: Type) -> "Convert":
    """A result that is a handle or a list of them."""
    reply = host.wire.reply(Type("anything"))
    if result.kind == "list":
        return lambda handles: reply(None if handles is None else [host.hold(each) for each in handles])
    return lambda handle: reply(None if handle is None else host.hold(handle))


def fields_of(error: LlmspellError) -> dict[str, str]:
    """What an error tells a script, as text that can be encoded: the name of a file in a message need not be."""
    fields = {"code": error.code, "message": error.message, "hint": error.hint, "call": error.call}
    return {name: text.encode(errors="replace").decode() for name, text in fields.items() if text}


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
