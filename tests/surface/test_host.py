# ruff: noqa: E501 - a script stays in one line
"""Declared once, bound twice: a global of the test's own, called from both languages through the one call path."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from llmspell import values
from llmspell.errors import Conflict, LlmspellError, ScriptError, StorageError
from llmspell.languages.grants import Grants
from llmspell.languages.javascript import JavaScript
from llmspell.languages.language import Language, Limits, Services, Stop
from llmspell.languages.lua import Lua
from llmspell.surface.hint import missing_hint
from llmspell.surface.model import Anything, Callback, Choice, Global, LastingCallback, Moment, Payload, Record


class Colour(Choice):
    values = ("red", "blue")


class Reply(Record):
    kind: str
    value: Anything
    note_: str | None = None


class Probe(Global):
    """Functions with every type, which say what they got."""

    name = "Probe"

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.kept: list[LastingCallback] = []

    def scalars(self, flag: bool, count: int, ratio: float, text: str) -> str:
        """What came."""
        return f"{flag!r} {count!r} {ratio!r} {text!r}"

    def defaults(self, count: int = 5, text: str | None = None) -> str:
        """What came."""
        return f"{count!r} {text!r}"

    def options(self, *, colour_: Colour | None = None, max_count: int = 3, start: Moment | None = None) -> str:
        """What came."""
        return f"{colour_!r} {max_count!r} {start!r}"

    def structured(self, items: list[int], table: dict[str, str], any_: Anything = None) -> Reply:
        """What came."""
        return Reply(kind=type(any_).__name__, value=[items, table, any_])

    def payload(self, value: Payload) -> Payload:
        """The same, not looked at."""
        assert isinstance(value, bytes)
        return value

    def raw(self, data: bytes) -> bytes:
        """Bytes."""
        return data[::-1]

    def nothing(self) -> None:
        """Nothing."""

    def maybe(self, there: bool) -> str | None:
        """A text or none."""
        return "there" if there else None

    def call_back(self, fn: Callback, *, seconds: float = 0.0) -> Payload:
        """What the function makes of two values."""
        return fn(values.encode(1), values.encode(["two"]), seconds=seconds)

    def twice(self, first: Callback, second: Callback) -> list[Anything]:
        """Both functions, in the opposite order."""
        return [values.decode(second()), values.decode(first())]

    def keep(self, name: str, fn: LastingCallback | None = None) -> str:
        """Keep the function; how many there are."""
        self.kept += [fn] if fn is not None else []
        return f"{name} {len(self.kept)}"

    def call_kept(self, fn: Callback) -> list[Anything]:
        """What all that was kept, and then `fn`, make of their number."""
        return [values.decode(each(values.encode(number))) for number, each in enumerate([*self.kept, fn])]

    def fail(self, how: str) -> None:
        """Raise."""
        if how == "conflict":
            raise Conflict("it is taken", hint="take another")
        if how == "path":
            raise StorageError(f"cannot open {os.fsdecode(bytes([0xFF]))}")
        if how == "exit":
            raise SystemExit(3)
        raise ZeroDivisionError("ours")


class Missing(Global):
    """A part of the same global that the configuration switches on."""

    name = "Probe"
    requires_setting = "[probe] enabled = true"

    def missing(self) -> None:
        """Nothing."""


class Bench:
    """One language with the probe, and nothing else."""

    def __init__(self, language: type[Language]) -> None:
        self.bugs: list[BaseException] = []
        services = Services(write=lambda *_: None, report_bug=self.bugs.append, grants=Grants(), stop=Stop())
        self.probe = Probe()
        self.language = language([self.probe], Limits(), services)
        self.is_lua = language is Lua

    def __call__(self, lua: str, javascript: str | None = None) -> Any:
        source = "return " + lua if self.is_lua else javascript if javascript is not None else lua
        return values.decode(self.language.run(source.encode(), "probe" + self.language.suffixes[0], []))

    def refused(self, lua: str, javascript: str | None = None) -> str:
        with pytest.raises(ScriptError) as caught:
            self(lua, javascript)
        assert self.bugs == []
        return f"{caught.value.code}: {caught.value}"


@pytest.fixture(params=[Lua, JavaScript], ids=["lua", "javascript"])
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


@pytest.fixture
def javascript() -> Bench:
    return Bench(JavaScript)


def test_scalars_arrive_as_their_types(bench: Bench) -> None:
    assert bench("Probe.scalars(true, 5, 1.5, 'x')") == "True 5 1.5 'x'"
    assert bench("Probe.scalars(false, -9007199254740992, 2, 'é\\0𝄞')") == "False -9007199254740992 2 'é\\x00𝄞'"


def test_a_whole_float_counts_as_an_integer(bench: Bench) -> None:
    assert bench("Probe.defaults(5.0)") == "5 None"
    assert (
        bench.refused("Probe.defaults(5.5)")
        == "bad_argument: Probe.defaults: count (argument 1) must be an integer, got 5.5"
    )
    assert (
        bench.refused("Probe.defaults(1e300)")
        == "bad_argument: Probe.defaults: count (argument 1) must be an integer, got 1e+300"
    )


def test_defaults_stand_in_for_what_is_absent(bench: Bench) -> None:
    assert bench("Probe.defaults()") == "5 None"
    assert bench("Probe.defaults(nil, 'x')", "Probe.defaults(undefined, 'x')") == "5 'x'"
    assert bench("Probe.defaults(JSON_null, 'x')", "Probe.defaults(null, 'x')") == "5 'x'"
    assert bench("Probe.defaults(1, nil)", "Probe.defaults(1, null)") == "1 None"


def test_options_come_in_either_spelling(bench: Bench) -> None:
    assert bench("Probe.options()") == "None 3 None"
    assert (
        bench("Probe.options({max_count = 1, colour = 'red'})", "Probe.options({ max_count: 1, colour: 'red' })")
        == "'red' 1 None"
    )
    assert (
        bench("Probe.options({maxCount = 1, start = 1.5})", "Probe.options({ maxCount: 1, start: 1.5 })")
        == "None 1 1.5"
    )
    assert bench("Probe.options({})", "Probe.options({ colour: undefined, start: null })") == "None 3 None"


WRONG = [
    ("Probe.scalars('x', 1, 1, 'x')", None, "flag (argument 1) must be a boolean, got a string"),
    ("Probe.scalars(true, 'x', 1, 'x')", None, "count (argument 2) must be an integer, got a string"),
    ("Probe.scalars(true, 1, true, 'x')", None, "ratio (argument 3) must be a number, got a boolean"),
    ("Probe.scalars(true, 1, 1, 1)", None, "text (argument 4) must be a string, got a number"),
    ("Probe.scalars(true, 1, 1, {})", None, "text (argument 4) must be a string, got {a table|an object}"),
    ("Probe.scalars(true, 1, 1, print)", None, "text (argument 4) must be a string, got a function"),
    ("Probe.scalars(true, 1)", None, "ratio (argument 3) is missing; it must be a number"),
    ("Probe.options({max = 1})", "Probe.options({ max: 1 })", "unknown option 'max'; the options are colour, max_count, start"),
    ("Probe.options({colour = 'green'})", "Probe.options({ colour: 'green' })", "the option 'colour' must be one of red, blue, got 'green'"),
    ("Probe.options({colour = 5})", "Probe.options({ colour: 5 })", "the option 'colour' must be one of red, blue, got a number"),
    (
        "Probe.options({start = {}})", "Probe.options({ start: {} })",
        "the option 'start' must be a time (RFC 3339 text or Unix seconds), got {a table|an object}",
    ),
    ("Probe.options(5)", None, "the options (argument 1) must be {a table|an object}, got a number"),
    ("Probe.options({}, 1)", None, "takes at most 1 argument, the last one with the options colour, max_count, start"),
    ("Probe.nothing(1)", None, "takes at most 0 arguments, got more"),
    ("Probe.structured({'x'}, {})", "Probe.structured(['x'], {})", "items (argument 1), item 1 must be an integer, got a string"),
    ("Probe.structured({}, {a = 1})", "Probe.structured([], { a: 1 })", "table (argument 2), 'a' must be a string, got a number"),
    ("Probe.structured({a = 1}, {})", "Probe.structured({ a: 1 }, {})", "items (argument 1) must be {a table|an array}, got {a table|an object}"),
    ("Probe.call_back(5)", None, "fn (argument 1) must be a function, got a number"),
    ("Probe.call_back()", None, "fn (argument 1) is missing; it must be a function"),
]  # fmt: skip


@pytest.mark.parametrize(("lua", "javascript", "message"), WRONG)
def test_a_wrong_argument_is_named_in_the_words_of_the_language(
    bench: Bench, lua: str, javascript: str | None, message: str
) -> None:
    before, _, rest = message.partition("{")
    while rest:
        words, _, rest = rest.partition("}")
        before += words.split("|")[0 if bench.is_lua else 1]
        more, _, rest = rest.partition("{")
        before += more
    assert bench.refused(lua, javascript) == f"bad_argument: {lua.partition('(')[0]}: {before}"


def test_structures_arrive_and_return(bench: Bench) -> None:
    reply = bench(
        "Probe.structured({1, 2}, {a = 'b'}, {x = {true}})", "Probe.structured([1, 2], { a: 'b' }, { x: [true] })"
    )
    assert reply == {"kind": "dict", "value": [[1, 2], {"a": "b"}, {"x": [True]}]}
    assert bench("Probe.structured({}, {})", "Probe.structured([], {})") == {
        "kind": "NoneType",
        "value": [[], {}, None],
    }


def test_a_payload_passes_without_being_looked_at(bench: Bench) -> None:
    assert bench("Probe.payload({1, 'x', {a = 1.5}})", "Probe.payload([1, 'x', { a: 1.5 }])") == [1, "x", {"a": 1.5}]
    assert bench("Probe.payload(nil)", "Probe.payload(null)") is None


def test_absent_results_are_nil_or_null(bench: Bench) -> None:
    assert bench("Probe.nothing() == nil", "Probe.nothing() === null") is True
    assert bench("Probe.maybe(false) == nil", "Probe.maybe(false) === null") is True
    assert bench("Probe.maybe(true)") == "there"
    assert bench("Probe.structured({}, {}).note == nil", "Probe.structured([], {}).note === undefined") is True


def test_functions_of_the_script_are_called_with_values(bench: Bench) -> None:
    assert bench("Probe.call_back(function(a, b) return {a, b[1]} end)", "Probe.call_back((a, b) => [a, b[0]])") == [
        1,
        "two",
    ]
    assert bench("Probe.callBack(function() end)", "Probe.callBack(() => {})") is None
    assert bench("Probe.twice(function() return 1 end, function() return 2 end)", "Probe.twice(() => 1, () => 2)") == [
        2,
        1,
    ]
    nested = bench(
        "Probe.call_back(function() return Probe.call_back(function() return Probe.twice(function() return 1 end, function() return 2 end) end) end)",
        "Probe.call_back(() => Probe.call_back(() => Probe.twice(() => 1, () => 2)))",
    )
    assert nested == [2, 1]


def test_functions_that_are_kept_outlive_the_call_that_got_them(bench: Bench) -> None:
    got = bench(
        "(function() for i = 1, 3 do Probe.keep('f', function(n) return {i, n} end) end collectgarbage() return {Probe.keep('none'), Probe.callKept(function(n) return n end)} end)()",
        "for (let i = 1; i <= 3; i++) Probe.keep('f', (n) => [i, n]); [Probe.keep('none'), Probe.callKept((n) => n)]",
    )
    assert got == ["none 3", [[1, 0], [2, 1], [3, 2], 3]]
    assert bench.refused("Probe.keep('f', 5)") == (
        "bad_argument: Probe.keep: fn (argument 2) must be a function, got a number"
    )
    raising = (
        "Probe.keep('f', function() error('dropped') end)",
        "Probe.keep('f', () => { throw new Error('dropped') })",
    )
    bench(*raising)
    assert bench.refused("Probe.call_kept(function() end)", "Probe.call_kept(() => null)").endswith("dropped")


def test_a_function_that_is_kept_is_not_async(javascript: Bench) -> None:
    assert javascript.refused("", "Probe.keep('f', async () => 1)") == (
        "bad_argument: Probe.keep: fn (argument 2) must be a function, got an async function"
    )
    javascript("", "Probe.keep('f', () => Promise.resolve(1))")
    assert "got an async function" in javascript.refused("", "Probe.call_kept(() => 1)")


def test_what_a_function_of_the_script_raises_comes_back_to_it_as_it_was(bench: Bench) -> None:
    assert bench(
        "(function() local mark = {} local _, e = pcall(Probe.call_back, function() error(mark) end) return e == mark end)()",
        "(() => { const mark = {}; try { Probe.call_back(() => { throw mark }) } catch (e) { return e === mark } })()",
    )


def test_a_function_that_overruns_is_ended(bench: Bench) -> None:
    assert bench(
        "(function() local _, e = pcall(Probe.call_back, function() while true do end end, {seconds = 0.05}) return e.code end)()",
        "(() => { try { Probe.call_back(() => { while (true) {} }, { seconds: 0.05 }) } catch (e) { return e.code } })()",
    ) == "timeout"  # fmt: skip


def test_an_error_keeps_its_code_hint_and_call(bench: Bench) -> None:
    with pytest.raises(ScriptError) as caught:
        bench("Probe.fail('conflict')")
    error = caught.value
    assert (error.code, str(error), error.hint, error.line) == (
        "conflict",
        "Probe.fail: it is taken",
        "take another",
        1,
    )


def test_a_mistake_of_ours_is_internal_and_reported(bench: Bench) -> None:
    with pytest.raises(ScriptError) as caught:
        bench("Probe.fail('bug')")
    assert (caught.value.code, str(caught.value)) == ("internal", "Probe.fail: an unexpected ZeroDivisionError: ours")
    assert [type(bug) for bug in bench.bugs] == [ZeroDivisionError]
    with pytest.raises(ScriptError, match="an unexpected SystemExit"):
        bench("Probe.fail('exit')")


def test_a_message_that_is_no_text_crosses_as_well_as_it_can(bench: Bench) -> None:
    assert bench.refused("Probe.fail('path')") == "storage: Probe.fail: cannot open ?"


def test_nothing_of_the_host_runs_once_the_script_is_to_end(bench: Bench) -> None:
    (bound,) = [bound for bound in bench.language._host.bound if bound.function.name == "maybe"]  # type: ignore[attr-defined]
    call: Callable[..., Any] = bound.call
    argument = True if bench.is_lua else "true"
    assert call(argument) in (b"there", '"there"', ' "there"')
    bench.language.interrupt(LlmspellError("stop"))
    reply = call(argument)
    assert "interrupted" in str(reply[1] if bench.is_lua else reply)


@pytest.mark.parametrize("arguments", [(), (None,)])
def test_a_call_never_raises_into_the_engine(bench: Bench, arguments: tuple[object, ...]) -> None:
    for bound in bench.language._host.bound:  # type: ignore[attr-defined]
        bound.call(*arguments)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("Probe.missing(1)", "Probe.missing needs [probe] enabled = true in the configuration"),
        ("x = Probe.scalar()", "Probe has no 'scalar'; did you mean Probe.scalars?"),
        ("Probe.callback()", "Probe has no 'callback'; did you mean Probe.call_back?"),
        ("Probe.zzz()", "Probe has no 'zzz'; `llmspell api lua` lists what there is"),
        ("Probe.scalars(Other.zzz())", "Other needs [other] enabled = true in the configuration"),
        ("Probe.scalars(1)", ""),
    ],
)
def test_a_name_that_no_global_has_gets_a_remedy(line: str, hint: str) -> None:
    assert missing_hint(line, [Probe()], [Probe, Missing], {"Other": "[other] enabled = true"}, "lua") == hint
