"""Hooks of scripts: failures, limits, order of events, both languages."""

# ruff: noqa: E501 - a script stands on one line

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import Interrupted, ScriptError
from llmspell.languages.language import ScriptExit
from llmspell.runtime import Runtime
from llmspell.values import decode
from tests.languages.engine import open_runtime
from tests.state.conftest import problems

NAMES = {"lua": "a.lua", "javascript": "a.js"}


class Bench:
    def __init__(self, language: str, path: Path) -> None:
        self.language = language
        self.path = str(path)
        self.runtime: Runtime = self.open()

    def open(self, **overrides: Any) -> Runtime:
        if "runtime" in vars(self):
            self.runtime.close()
        self.runtime = open_runtime(state__backend="disk", state__path=self.path, **overrides)
        return self.runtime

    def run(self, lua: str, javascript: str) -> Any:
        return decode(
            self.runtime.run((lua if self.language == "lua" else javascript).encode(), name=NAMES[self.language])
        )


@pytest.fixture(params=["lua", "javascript"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Afterwards the store must be sound."""
    bench = Bench(request.param, tmp_path / "state")
    yield bench
    store = bench.runtime.store
    assert store is not None
    assert problems(store) == []
    bench.runtime.close()


FAILING = {
    "throws": ("error('boom')", "throw new Error('boom')"),
    "throws a table": ("error({code = 5})", "throw {code: 5}"),
    "returns a function": ("return {type = 'replace', data = print}", "return {type: 'replace', data: print}"),
    "returns NaN": ("return {type = 'modified', data = {new_value = 0/0}}", "return {type: 'modified', data: {new_value: NaN}}"),
    "wants the impossible": ("return {type = 'redirect', target = '__x'}", "return {type: 'redirect', target: '__x'}"),
    "saves itself without end": ("local function f() State.save('log', 'n', 1) f() end f()", "const f = () => { State.save('log', 'n', 1); f() }; f()"),
}  # fmt: skip


@pytest.mark.parametrize("how", FAILING)
def test_a_hook_that_fails_loses_no_write(bench: Bench, how: str, capfd: pytest.CaptureFixture[str]) -> None:
    lua, javascript = FAILING[how]
    bench.open(state__hooks__timeout_ms=200)
    assert bench.run(
        f"Hook.register('BeforeStateWrite', function(c) {lua} end, {{scope = 'app', name = 'bad'}}) State.save('app', 'k', 1) return State.load('app', 'k')",
        f"Hook.register('BeforeStateWrite', (c) => {{ {javascript} }}, {{scope: 'app', name: 'bad'}}); State.save('app', 'k', 1); State.load('app', 'k')",
    ) == 1  # fmt: skip
    assert "a hook failed hook=bad point=BeforeStateWrite" in capfd.readouterr().err
    with pytest.raises(ScriptError) as raised:
        bench.run(
            f"Hook.register('BeforeStateWrite', function(c) {lua} end, {{on_error = 'cancel'}}) State.save('app', 'k', 2)",
            f"Hook.register('BeforeStateWrite', (c) => {{ {javascript} }}, {{onError: 'cancel'}}); State.save('app', 'k', 2)",
        )
    assert (raised.value.code, raised.value.call) == ("cancelled", "State.save")
    assert bench.runtime.state.get("app", "k") == 1


HANGING = ("while true do end", "for (;;);")


@pytest.mark.parametrize("wrap", ["{}", "pcall"])
def test_a_hook_that_hangs_is_ended_and_the_write_goes_on(
    bench: Bench, wrap: str, capfd: pytest.CaptureFixture[str]
) -> None:
    bench.open(state__hooks__timeout_ms=100)
    lua, javascript = HANGING
    if wrap == "pcall":
        lua, javascript = (
            "while true do pcall(function() while true do end end) end",
            "for (;;) try { for (;;); } catch {}",
        )
    started = time.perf_counter()
    assert bench.run(
        f"Hook.register('BeforeStateWrite', function(c) {lua} end) State.save('app', 'k', 1) return State.load('app', 'k')",
        f"Hook.register('BeforeStateWrite', (c) => {{ {javascript} }}); State.save('app', 'k', 1); State.load('app', 'k')",
    ) == 1  # fmt: skip
    assert time.perf_counter() - started < 5
    assert "it took longer than 0.1 s" in capfd.readouterr().err


def test_a_hook_that_hangs_can_be_interrupted(bench: Bench) -> None:
    import threading

    timer = threading.Timer(0.3, bench.runtime.interrupt, [Interrupted("interrupted")])
    timer.start()
    lua, javascript = HANGING
    with pytest.raises(Interrupted):
        bench.run(
            f"Hook.register('BeforeStateWrite', function(c) {lua} end) State.save('app', 'k', 1)",
            f"Hook.register('BeforeStateWrite', (c) => {{ {javascript} }}); State.save('app', 'k', 1)",
        )
    timer.join()
    assert bench.runtime.state.get("app", "k") is None


def test_hooks_that_cause_each_other_are_bounded(bench: Bench) -> None:
    assert bench.run(
        """local n = 0
        for i = 1, 3 do Hook.register('BeforeStateWrite', function(c) n = n + 1 State.save('log', 'k' .. i, n) end) end
        State.save('app', 'k', 1)
        return n""",
        """let n = 0
        for (const i of [1, 2, 3]) Hook.register('BeforeStateWrite', () => { n++; State.save('log', `k${i}`, n) })
        State.save('app', 'k', 1)
        n""",
    ) == 15  # fmt: skip
    # Three at first; each of their saves runs the two others, and each of those the last one.


def test_python_lua_and_javascript_hooks_run_in_one_order(bench: Bench) -> None:
    def append(word: str) -> Any:
        return lambda context: {"type": "modified", "data": {"new_value": context["data"]["new_value"] + word}}

    bench.runtime.hooks.register("BeforeStateWrite", append(" python-high"), priority="high")
    bench.runtime.hooks.register("BeforeStateWrite", append(" python-low"), priority="low")
    bench.run(
        """Hook.register('BeforeStateWrite', function(c)
             return {type = 'modified', data = {new_value = c.data.new_value .. ' script'}} end)
           State.save('app', 'k', 'x')""",
        """Hook.register('BeforeStateWrite', (c) => ({type: 'modified', data: {new_value: c.data.new_value + ' script'}}))
           State.save('app', 'k', 'x')""",
    )
    assert bench.runtime.state.get("app", "k") == "x python-high script python-low"
    bench.runtime.state.set("app", "k", "y")
    assert bench.runtime.state.get("app", "k") == "y python-high python-low"


VALUES = {
    "exact": ("{1, 1.5, {a = JSON.null, b = {}}, 'é', 9007199254740993}", '[1, 1.5, {b: {}}, "é", 9007199254740993n]'),
    "bytes": ("'\\xff\\0'", "new Uint8Array([255, 0])"),
}  # fmt: skip


@pytest.mark.parametrize("kind", VALUES)
def test_values_pass_through_hooks_exactly(bench: Bench, kind: str) -> None:
    lua, javascript = VALUES[kind]
    assert bench.run(
        f"""Hook.register('BeforeStateWrite', function(c) return {{type = 'modified', data = {{new_value = c.data.new_value}}}} end)
            State.save('app', 'k', {lua}) local there = State.load('app', 'k')
            State.save('app', 'plain', {lua}, {{class = 'trusted'}})
            return JSON.stringify(there) == JSON.stringify(State.load('app', 'plain'))""" if kind == "exact" else
        f"""Hook.register('BeforeStateWrite', function(c) return {{type = 'modified', data = {{new_value = c.data.new_value}}}} end)
            State.save('app', 'k', {lua}) return State.load('app', 'k') == {lua}""",
        f"""Hook.register('BeforeStateWrite', (c) => ({{type: 'modified', data: {{new_value: c.data.new_value}}}}))
            const value = {javascript}
            State.save('app', 'k', value)
            const text = (v) => JSON.stringify(v, (_, x) => typeof x === 'bigint' ? `${{x}}n` : x)
            text(State.load('app', 'k')) === text(value)""",
    ) is True  # fmt: skip


ODD = (
    "",
    " led",
    "\ttabbed",
    "\0",
    "a\0b",
    ' "quoted"',
    '"',
    "\\",
    "\n",
    "!",
    "1",
    "null",
    "\x7f",
    "é",
    "\u2028",
    '{"$bytes":""}',
)


def test_text_and_names_of_fields_reach_a_hook_exactly(bench: Bench) -> None:
    texts = iter(ODD)
    bench.runtime.hooks.register(
        "BeforeStateWrite",
        lambda _: {"type": "modified", "data": {"new_value": next(texts), "__proto__": "own"}},
        priority="high",
    )
    seen = bench.run(
        f"local seen = JSON.array() Hook.register('BeforeStateWrite', function(c) seen[#seen + 1] = {{c.data.new_value, c.data['__proto__'], c.data.key}} end) for i = 1, {len(ODD)} do State.save('app', ' k' .. i, i) end return seen",
        f"{{ const seen = []; Hook.register('BeforeStateWrite', (c) => {{ seen.push([c.data.new_value, c.data['__proto__'], c.data.key]) }}); for (let i = 1; i <= {len(ODD)}; i++) State.save('app', ' k' + i, i); seen }}",
    )
    assert seen == [[text, "own", f" k{number}"] for number, text in enumerate(ODD, 1)]


def test_a_context_can_be_kept_and_saved_whole(bench: Bench) -> None:
    bench.run(
        """Hook.register('AfterStateWrite', function(c) State.save('seen', 'last', c) end, {scope = 'app'})
           State.save('app', 'k', {1, 2})""",
        """Hook.register('AfterStateWrite', (c) => { State.save('seen', 'last', c) }, {scope: 'app'})
           State.save('app', 'k', [1, 2])""",
    )
    seen = bench.runtime.state.get("seen", "last")
    assert seen["data"] == {"scope": "app", "key": "k", "new_value": [1, 2], "operation": "save"} | (
        {} if bench.language == "lua" else {"old_value": None}
    )
    assert seen["correlation_id"] == bench.runtime.state.correlation_id
    assert (seen["point"], seen["language"], seen["component_id"]) == (
        "AfterStateWrite", bench.language, {"type": "state", "name": "app"},
    )  # fmt: skip


TELL = (
    "Hook.register('AfterStateWrite', function(c) print('told ' .. c.data.key) end) State.save('app', 'k', 1) ",
    "Hook.register('AfterStateWrite', (c) => { print('told ' + c.data.key) }); State.save('app', 'k', 1); ",
)


@pytest.mark.parametrize("end", ["well", "error", "exit"])
def test_hooks_in_the_background_are_told_before_the_end(
    bench: Bench, end: str, capfd: pytest.CaptureFixture[str]
) -> None:
    lua = {"well": "", "error": "error('boom')", "exit": "os.exit(3)"}[end]
    javascript = {"well": "", "error": "throw new Error('boom')", "exit": "exit(3)"}[end]
    try:
        bench.run(TELL[0] + "print('end') " + lua, TELL[1] + "print('end');" + javascript)
        assert end == "well"
    except (ScriptError, ScriptExit):
        assert end != "well"
    assert capfd.readouterr().out.splitlines() == ["end", "told k"]


def test_what_a_transaction_undid_is_told_nobody(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    bench.run(
        TELL[0] + "pcall(State.transaction, function() State.save('app', 'undone', 1) error('no') end)",
        TELL[1] + "try { State.transaction(() => { State.save('app', 'undone', 1); throw 1 }) } catch {}",
    )
    assert capfd.readouterr().out.splitlines() == ["told k"]


def test_the_background_keeps_its_interval_while_the_script_sleeps(bench: Bench) -> None:
    assert bench.run(
        """local n = 0 Hook.register('AfterStateWrite', function() n = n + 1 end)
           State.save('app', 'k', 1) local before = n sleep(0.3) return {before, n}""",
        """let n = 0; Hook.register('AfterStateWrite', () => { n++ })
           State.save('app', 'k', 1); const before = n; sleep(0.3); [before, n]""",
    ) == [0, 1]  # fmt: skip


def test_without_the_background_hooks_are_told_at_once(bench: Bench) -> None:
    bench.open(state__performance__async_hooks=False)
    assert bench.run(
        "local n = 0 Hook.register('AfterStateWrite', function() n = n + 1 end) State.save('app', 'k', 1) return n",
        "let n = 0; Hook.register('AfterStateWrite', () => { n++ }); State.save('app', 'k', 1); n",
    ) == 1  # fmt: skip


def test_a_hook_ends_with_its_script(bench: Bench) -> None:
    bench.run(
        "Hook.register('BeforeStateWrite', function() return 'no' end)", "Hook.register('BeforeStateWrite', () => 'no')"
    )
    assert bench.runtime.hooks.list() == []
    assert bench.runtime.state.hooks is None
    bench.run("State.save('app', 'k', 1)", "State.save('app', 'k', 1)")
    assert bench.runtime.state.get("app", "k") == 1


def test_the_beginning_and_the_end_of_a_script_are_points(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    told: list[Any] = []
    for point in ("SystemStartup", "SystemShutdown"):
        bench.runtime.hooks.register(point, lambda context: told.append((context["point"], context["data"])))
    bench.run(
        "Hook.register('SystemShutdown', function(c) print('bye ' .. c.data.language) end)",
        "Hook.register('SystemShutdown', (c) => { print('bye ' + c.data.language) })",
    )
    facts = {"script": NAMES[bench.language], "language": bench.language}
    assert told == [("SystemStartup", facts), ("SystemShutdown", facts)]
    assert capfd.readouterr().out == f"bye {bench.language}\n"


def test_the_metrics_tell_of_hooks(bench: Bench) -> None:
    assert (
        bench.run("return next(State.metrics().hooks) == nil", "Object.keys(State.metrics().hooks).length === 0")
        is True
    )
    figures = bench.run(
        "Hook.register('BeforeStateWrite', function() return 'no' end) pcall(State.save, 'app', 'k', 1) return State.metrics().hooks",
        "Hook.register('BeforeStateWrite', () => 'no'); try { State.save('app', 'k', 1) } catch {} State.metrics().hooks",
    )
    assert figures == {
        "registered": 1, "executions": 1, "failures": 0, "cancelled": 1, "switched_off": 0, "waiting": 0, "dropped": 0,
    }  # fmt: skip


WRONG = [
    ("Hook.register('BeforeStateWrit', print)", "there is no hook point 'BeforeStateWrit'; the nearest is 'BeforeStateWrite'"),
    ("Hook.register('BeforeStateWrite', print, 'urgent')", "priority must be one of highest, high, normal, low, lowest, got 'urgent'"),
    ("Hook.register('BeforeStateWrite', print, {prio: 1})", "unknown option 'prio'"),
    ("Hook.register('BeforeStateWrite', print, {onError: 'stop'})", "on_error must be one of continue, cancel, got 'stop'"),
    ("Hook.register('BeforeStateWrite', print, {tags: [1]})", "the option 'tags' must be a list of strings"),
    ("Hook.register('BeforeStateWrite', 5)", "fn (argument 2) must be a function, got a number"),
    ("Hook.list('nothing')", "there is no hook point 'nothing'"),
    ("Hook.list(5)", "filter (argument 1) must be text or a map of options"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_wrong_arguments_say_what_is_wrong(bench: Bench, call: str, message: str) -> None:
    lua = call.replace(": ", " = ").replace("[1]", "{1}")
    with pytest.raises(ScriptError) as raised:
        bench.run(lua, call)
    assert raised.value.code == "bad_argument"
    assert message in str(raised.value)


def test_hooks_that_are_switched_off_are_absent_and_the_report_says_how(bench: Bench) -> None:
    bench.open(runtime__hooks__enabled=False)
    with pytest.raises(ScriptError) as raised:
        bench.run("Hook.list()", "Hook.list()")
    assert "enabled = true in [runtime.hooks]" in raised.value.hint


def test_a_script_without_hooks_opens_none(bench: Bench) -> None:
    bench.run("State.save('app', 'k', 1)", "State.save('app', 'k', 1)")
    assert bench.runtime._hooks is None
