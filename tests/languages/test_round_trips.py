"""`load(save(v)) == v`: within each language, across both, and to and from Python; exact to the type of each number."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from llmspell.runtime import Runtime
from llmspell.values import decode
from tests.languages.engine import SAME, Engine, identical, literal

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

INTEGERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.integers(-300, 300),
    st.sampled_from([0, 2**53, 2**53 + 1, -(2**53), -(2**53) - 1, 2**53 - 1, 2**63 - 1, -(2**63), 2**31, 2**32, -(2**31) - 1]),
)  # fmt: skip
FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e15, 1e16, 1e20, 1e21, 1e300, 2.0**53, 2.0**60, 5e-324, 1.7976931348623157e308]),
)  # fmt: skip
TEXT = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", "\0", "a\0b", "𝄞", "\u2028", "\\ud800", "\\u0000", '"', "\x7f", "\ufeff", "e\u0301", "x" * 40]
    ),
)
BYTES = st.one_of(st.binary(max_size=20), st.just(b"")).map(lambda raw: raw + b"\xff\x00")
"""Bytes that are no text: Lua cannot tell others from text."""
ODD_KEYS = [
    "", "__proto__", "toJSON", "constructor", "length", "$bytes", "$map", "$$bytes", "$$map", "$", "prototype", "hasOwnProperty",
    "0", "1", "-1", "then", "a.b", "valueOf", "__index", "é", "\0",
]  # fmt: skip
KEYS = st.one_of(st.sampled_from(ODD_KEYS), st.text(max_size=8))


def trees(scalars: "st.SearchStrategy[Any]", keys: "st.SearchStrategy[Any]") -> "st.SearchStrategy[Any]":
    def branches(inner: "st.SearchStrategy[Any]") -> "st.SearchStrategy[Any]":
        items = st.lists(st.one_of(inner, st.none()), max_size=5)
        return items | st.dictionaries(keys, inner, max_size=5).filter(_is_no_list)

    return st.recursive(scalars, branches, max_leaves=15)


def _is_no_list(value: "dict[Any, Any]") -> bool:
    """Whether Lua would take the map for a map."""
    return not value or set(value) != set(range(1, len(value) + 1))


PLAIN = st.one_of(st.booleans(), INTEGERS, TEXT, BYTES)
WHOLE_IS_INTEGER = FLOATS.filter(lambda x: not (x.is_integer() and abs(x) <= 2**53) or (x == 0 and str(x) == "-0.0"))
"""Floats that JavaScript can tell from integers."""
IN_LUA = trees(PLAIN | FLOATS, KEYS | INTEGERS)
IN_JAVASCRIPT = trees(PLAIN | WHOLE_IS_INTEGER, KEYS)
IN_BOTH = IN_JAVASCRIPT
VALUES = {"lua": IN_LUA, "javascript": IN_JAVASCRIPT}
OTHER = {"lua": "javascript", "javascript": "lua"}


def run(runtime: Runtime, source: str, language: str) -> Any:
    return decode(runtime.run((SAME[language] + source).encode(), name="t", language=language))


def made_and_saved(runtime: Runtime, value: Any, language: str) -> None:
    """Make the value in the engine, save it, and compare there what comes back."""
    keyword = "local" if language == "lua" else "const"
    assert run(
        runtime,
        f"{keyword} made = {literal(value, language)}\n"
        "State.save('t', 'k', made)\n"
        f"{'return ' if language == 'lua' else ''}same(made, State.load('t', 'k'))",
        language,
    )


def passed_on(runtime: Runtime, language: str) -> None:
    """Load the value in the engine and save it again."""
    run(runtime, "State.save('t', 'k', State.load('t', 'k'))", language)


@pytest.mark.parametrize("language", ["lua", "javascript"])
@few
@given(data=st.data())
def test_what_a_language_made_and_saved_it_loads_again(runtime: Runtime, language: str, data: st.DataObject) -> None:
    value = data.draw(VALUES[language].filter(lambda value: value is not None))
    made_and_saved(runtime, value, language)
    assert identical(runtime.state.get("t", "k"), value)
    passed_on(runtime, language)
    assert identical(runtime.state.get("t", "k"), value)


@pytest.mark.parametrize("language", ["lua", "javascript"])
@few
@given(data=st.data())
def test_what_one_language_saved_passes_through_the_other(runtime: Runtime, language: str, data: st.DataObject) -> None:
    value = data.draw(IN_BOTH)
    made_and_saved(runtime, value, language)
    passed_on(runtime, OTHER[language])
    assert identical(runtime.state.get("t", "k"), value)
    keyword = "local" if language == "lua" else "const"
    assert run(
        runtime,
        f"{keyword} made = {literal(value, language)}\n"
        f"{'return ' if language == 'lua' else ''}same(made, State.load('t', 'k'))",
        language,
    )


@pytest.mark.parametrize("language", ["lua", "javascript"])
@few
@given(data=st.data())
@example(data=None)
def test_what_python_saved_a_language_gives_back(runtime: Runtime, language: str, data: "st.DataObject | None") -> None:
    value = data.draw(VALUES[language]) if data is not None else {"deep": [{"x": [None, {}, []]}]}
    runtime.state.set("t", "k", value)
    passed_on(runtime, language)
    assert identical(runtime.state.get("t", "k"), value)


@few
@given(FLOATS)
def test_a_float_passes_through_javascript_as_the_same_number(runtime: Runtime, value: float) -> None:
    runtime.state.set("t", "k", value)
    passed_on(runtime, "javascript")
    assert runtime.state.get("t", "k") == value


@pytest.mark.parametrize("number", [1, -1, 2**53, -(2**53)])
def test_a_whole_number_is_an_integer_in_javascript(runtime: Runtime, number: int) -> None:
    run(runtime, f"State.save('t', 'k', {number})", "javascript")
    assert identical(runtime.state.get("t", "k"), number)
    assert run(runtime, "return math.type(State.load('t', 'k'))", "lua") == "integer"
    assert run(runtime, "typeof State.load('t', 'k')", "javascript") == "number"


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)])
def test_an_integer_that_no_number_holds_is_a_bigint_in_javascript(runtime: Runtime, number: int) -> None:
    runtime.state.set("t", "k", {"a": [number]})
    script = f"const n = State.load('t', 'k').a[0]; State.save('t', 'k', n); [typeof n, n === {number}n]"
    assert run(runtime, script, "javascript") == ["bigint", True]
    assert identical(runtime.state.get("t", "k"), number)


def test_a_small_bigint_is_an_integer(runtime: Runtime) -> None:
    run(runtime, "State.save('t', 'k', { n: 5n })", "javascript")
    assert identical(runtime.state.get("t", "k"), {"n": 5})


@pytest.mark.parametrize("number", ["2n ** 63n", "-(2n ** 63n) - 1n", "2n ** 70n"])
def test_a_bigint_beyond_64_bits_is_refused(javascript: Engine, number: str) -> None:
    ran = javascript.run(f"State.save('t', 'k', {number})")
    assert (ran.code, ran.text) == ("bad_value", "State.save: cannot store a BigInt beyond 64 bits (at $)")


def test_integer_keys_are_property_names_in_javascript(runtime: Runtime) -> None:
    runtime.state.set("t", "k", {5: "five", -1: "minus", "x": 1})
    assert run(runtime, "State.load('t', 'k')", "javascript") == {"5": "five", "-1": "minus", "x": 1}


def test_a_map_whose_keys_would_be_one_in_javascript_is_refused_there(javascript: Engine) -> None:
    javascript.runtime.state.set("t", "k", {1: "a", "1": "b", 5: 0})
    ran = javascript.run("State.load('t', 'k')")
    assert ran.code == "bad_value"
    assert ran.text == "State.load: the map at $ has both the integer key 1 and the text key '1'"


@pytest.mark.parametrize(
    ("table", "value"),
    [
        ("{}", {}),
        ("{1, 2}", [1, 2]),
        ("{[1] = 1, [2] = 2}", [1, 2]),
        ("{[2] = 2}", {2: 2}),
        ("{1, nil, 3}", {1: 1, 3: 3}),
        ("{nil, 2}", {2: 2}),
        ("{[0] = 0, 1}", {0: 0, 1: 1}),
        ("{1, x = 2}", {1: 1, "x": 2}),
        ("{[1.0] = 1}", [1]),
        ("{[2^53] = 1}", {2**53: 1}),
        ("{[-5] = 1, ['-5'] = 2}", {-5: 1, "-5": 2}),
        ("{JSON.null}", [None]),
        ("{JSON.null, 1, JSON.null}", [None, 1, None]),
        ("{a = JSON.null, b = 1}", {"a": None, "b": 1}),
        ("JSON.array()", []),
        ("JSON.array{1}", [1]),
        ("setmetatable({1}, {__len = function() return 0 end, __index = {9, 9}})", [1]),
        ("(function() local t = JSON.array() t.x = 1 return t end)()", {"x": 1}),
        ("(function() local t = JSON.array{1, 2, 3} t[2] = nil return t end)()", {1: 1, 3: 3}),
        ("(function() local t = JSON.array{1} t[1] = nil return t end)()", []),
    ],
)
def test_a_table_is_saved_as_what_it_is(runtime: Runtime, table: str, value: Any) -> None:
    run(runtime, f"State.save('t', 'k', {table})", "lua")
    assert identical(runtime.state.get("t", "k"), value)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{ a: undefined, b: 1 }", {"b": 1}),
        ("{ a: null }", {"a": None}),
        ("[null, [], {}]", [None, [], {}]),
        ("-0", -0.0),
        ("[1.0, 1.5, -0]", [1, 1.5, -0.0]),
        ("Object.create(null, { x: { value: 1, enumerable: true }, y: { value: 2 } })", {"x": 1}),
        ("Object.create({ inherited: 1 })", {}),
        ("new (class Point { x = 1; #y = 2; get z() { return 3 } })()", {"x": 1}),
        ("{ toJSON() { return [1] } }", [1]),
        ("{ toJSON: 5 }", {"toJSON": 5}),
        ("[{ toJSON: () => ({ a: 1n }) }]", [{"a": 1}]),
        ("{ ['__proto__']: 1 }", {"__proto__": 1}),
        ("{ $bytes: 'AA==' }", {"$bytes": "AA=="}),
        ("{ $bytes: 1, x: undefined }", {"$bytes": 1}),
        ("{ $map: [[1, 2]], b: new Uint8Array([0]) }", {"$map": [[1, 2]], "b": b"\0"}),
        ("[{ $$bytes: { $map: 9007199254740993n } }]", [{"$$bytes": {"$map": 9007199254740993}}]),
        ("new Uint8Array()", b""),
        ("new Uint8Array([1, 2, 3, 4]).subarray(1, 3)", b"\2\3"),
        ("(function () { return arguments })(1, 2)", {"0": 1, "1": 2}),
        ("new Proxy([1, 2], {})", [1, 2]),
        ("'x'.repeat(700) + 'y'.repeat(700)", "x" * 700 + "y" * 700),
    ],
)
def test_an_object_is_saved_as_what_it_is(runtime: Runtime, source: str, value: Any) -> None:
    run(runtime, f"State.save('t', 'k', {source})", "javascript")
    assert identical(runtime.state.get("t", "k"), value)
    run(runtime, "State.save('t', 'k', State.load('t', 'k'))", "javascript")
    assert identical(runtime.state.get("t", "k"), value)


REFUSED = [
    "new Map()", "new Set()", "new Date()", "/x/", "Symbol()", "() => 1", "[undefined]", "[, 1]", "NaN", "[Infinity]",
    "new Number(5)", "new String('x')", "new Boolean(true)", "Object(5n)", "Promise.resolve()", "new Int8Array(1)",
    "new ArrayBuffer(1)", "'\\ud800'", "{ a: '\\udc00' }", "{ '\\ud800': 1 }", "new WeakMap()", "new Float64Array(1)",
    "(function* () {})()", "new DataView(new ArrayBuffer(1))",
]  # fmt: skip


@pytest.mark.parametrize("source", REFUSED)
def test_what_is_no_value_is_refused_in_javascript(javascript: Engine, source: str) -> None:
    ran = javascript.run(f"State.save('t', 'k', {source})")
    assert ran.code == "bad_value", ran.text
    assert not javascript.runtime.state.exists("t", "k")


@pytest.mark.parametrize(
    "source",
    [
        "print",
        "coroutine.create(print)",
        "0/0",
        "-1/0",
        "{[0.5] = 1}",
        "{[true] = 1}",
        "{[{}] = 1}",
        "{['\\255'] = 1}",
        "{{print}}",
    ],
)
def test_what_is_no_value_is_refused_in_lua(lua: Engine, source: str) -> None:
    ran = lua.run(f"State.save('t', 'k', {source})")
    assert ran.code == "bad_value", ran.text
    assert not lua.runtime.state.exists("t", "k")


def test_values_may_be_nested_128_deep_and_no_deeper(engine: Engine) -> None:
    wrap = (
        "local t = {} for _ = 2, %d do t = {a = t} end"
        if engine.is_lua
        else "let t = {}; for (let i = 2; i <= %d; i++) t = { a: t }"
    )
    assert (
        engine.run(
            f"{wrap % 128}\nState.save('t', 'k', t) State.save('t', 'l', State.load('t', 'k'))".replace(") S", ")\nS")
        ).error
        is None
    )
    assert engine.runtime.state.load("t", "k") is not None
    value, depth = engine.runtime.state.get("t", "l"), 0
    while value is not None:
        value, depth = value.get("a"), depth + 1
    assert depth == 128
    ran = engine.run(f"{wrap % 129}\nState.save('t', 'm', t)")
    assert (ran.code, "nested deeper than 128 levels" in ran.text) == ("bad_value", True)
    assert not engine.runtime.state.exists("t", "m")


@pytest.mark.parametrize("count", [15, 16, 31, 32, 255, 256, 65535, 65536, 70000])
def test_sizes_around_each_header_survive(runtime: Runtime, count: int) -> None:
    script = """
    local n = {n}
    local list, map, text = {{}}, {{}}, ("x"):rep(n)
    for i = 1, n do list[i], map["k" .. i] = i, i end
    State.save("t", "list", list) State.save("t", "map", map) State.save("t", "text", text) State.save("t", "bytes", text .. "\\255")
    local l, m = State.load("t", "list"), State.load("t", "map")
    local count = 0
    for key, item in pairs(m) do count = count + 1 assert(key == "k" .. item) end
    for i = 1, n do assert(l[i] == i) end
    assert(count == n and #l == n and State.load("t", "text") == text and State.load("t", "bytes") == text .. "\\255")
    """
    run(runtime, script.format(n=count), "lua")
    assert runtime.state.get("t", "list") == list(range(1, count + 1))
    assert runtime.state.get("t", "bytes") == b"x" * count + b"\xff"
    script = """
    const list = State.load('t', 'list'), map = State.load('t', 'map'), text = State.load('t', 'text'), bytes = State.load('t', 'bytes')
    State.save('t', 'again', [list, map, text, bytes])
    """
    run(runtime, script, "javascript")
    assert runtime.state.get("t", "again") == [runtime.state.get("t", key) for key in ("list", "map", "text", "bytes")]


def test_ropes_survive(runtime: Runtime) -> None:
    script = """
    let s = ''
    for (let i = 0; i < 3000; i++) s += i + 'é'
    State.save('t', 'k', s)
    State.save('t', s.slice(0, 90) + s.slice(90, 120), [s + s, { [s]: s + s }])
    const key = s.slice(0, 120)
    State.load('t', 'k') === s && State.load('t', key)[0] === s + s && State.load('t', key)[1][s] === s + s
    """
    assert run(runtime, script, "javascript")


def test_a_value_that_changes_while_it_is_read_is_saved_or_refused(javascript: Engine) -> None:
    script = """
    const ways = [
      { get a() { return this.n = (this.n ?? 0) + 1 } },
      new Proxy({}, { ownKeys: () => ['a', 'b'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }), get: () => 1 }),
      new Proxy([], { get: (t, k) => (k === 'length' ? 3 : k === 'toJSON' ? undefined : NaN) }),
      { get toJSON() { State.save('t', 'other', 1) } },
      { get a() { State.save('t', 'other', 1); return [1n] } },
    ]
    for (const [i, value] of ways.entries()) {
      try {
        State.save('t', `k${i}`, value)
      } catch (e) {
        if (e.code !== 'bad_value') throw e
      }
    }
    ways.length
    """
    assert javascript.run(script).value == 5
    for key in javascript.runtime.state.list_keys("t"):
        javascript.runtime.state.get("t", key)


def test_metamethods_do_not_run_while_a_value_is_read(lua: Engine) -> None:
    script = """
    local ran = false
    local function trap() ran = true error("no") end
    local meta = setmetatable({__eq = trap, __index = trap, __len = trap, __pairs = trap, __lt = trap}, {__eq = trap})
    State.save("t", "k", {setmetatable({1, 2}, meta), setmetatable({a = 1}, meta), setmetatable({}, meta)})
    return ran
    """
    assert lua.run(script).value is False
    assert identical(lua.runtime.state.get("t", "k"), [[1, 2], {"a": 1}, {}])
