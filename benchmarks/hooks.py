"""Hooks: what one adds to a save, and what the possibility of them costs."""

from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.measure import Row, Times, alternate
from benchmarks.state import TRANSACTION_JS, TRANSACTION_LUA, Bench
from llmspell.values import decode

COUNT = 10_000
BEFORE_LUA = 'Hook.register("BeforeStateWrite", function(c) if c.data.new_value == nil then return "no" end end)\n'
BEFORE_JS = "Hook.register('BeforeStateWrite', (c) => { if (c.data.new_value === null) return 'no' });\n"
ELSEWHERE_LUA = 'Hook.register("BeforeStateWrite", function() return "no" end, {scope = "elsewhere"})\n'
SESSION_LUA = 'Hook.register("SessionStart", function() end)\n'
AFTER_LUA = 'Hook.register("AfterStateWrite", function(c) if c.data.new_value == nil then error("lost") end end)\n'
NUMBERS_LUA = """
local n, prefix = tonumber(args[1]), args[2]
State.transaction(function() for i = 1, n do State.save("bench", prefix .. i, i) end end)
"""
NUMBERS_JS = """
{ const n = Number(args[0]), prefix = args[1]
State.transaction(() => { for (let i = 1; i <= n; i++) State.save('bench', prefix + i, i) }) }
"""


def rows(folder: Path, rounds: int) -> Iterator[Row]:
    """Every figure of hooks. Their costs are processor time: what a script's own thread and those beside it use."""
    bench = Bench(folder, "hooks", state__journal__enabled=False)
    off = Bench(folder, "hooks-off", state__journal__enabled=False, runtime__hooks__enabled=False)

    def script(source: str, language: str = "lua", of: Bench = bench) -> Any:
        return lambda: _busy(of, source, language)

    plain, absent, session = alternate(
        [script(TRANSACTION_LUA), script(TRANSACTION_LUA, of=off), script(SESSION_LUA + TRANSACTION_LUA)], rounds
    )
    yield Row("saves in one State.transaction, Lua, hooks off", absent)
    yield _same("the same with hooks on, and none registered", plain, absent)
    yield _same("the same with a hook at another kind of point", session, absent)

    for language, numbers, tables, hook in (
        ("Lua", NUMBERS_LUA, TRANSACTION_LUA, BEFORE_LUA),
        ("JavaScript", NUMBERS_JS, TRANSACTION_JS, BEFORE_JS),
    ):
        name = language.lower()
        sides = [script(numbers, name), script(hook + numbers, name), script(tables, name), script(hook + tables, name)]
        bare, asked, bare_table, asked_table = alternate(sides, rounds)
        yield _added(f"added by a Before hook to the save of a number, {language}", asked, bare, 5)
        yield _added(f"added by a Before hook to the save of a small table, {language}", asked_table, bare_table, 5)
    bare, elsewhere = alternate([script(NUMBERS_LUA), script(ELSEWHERE_LUA + NUMBERS_LUA)], rounds)
    yield _added("added by a Before hook whose scope does not match, Lua", elsewhere, bare)

    saver = Bench(folder, "hooks-saver", state__journal__enabled=False, state__backend="memory")
    saver.runtime.hooks.register("AfterStateWrite", lambda _: None)
    quiet = Bench(folder, "hooks-quiet", state__journal__enabled=False, state__backend="memory")
    alone, told, script_told = alternate(
        [lambda: _waiting(quiet, ""), lambda: _waiting(saver, ""), lambda: _waiting(quiet, AFTER_LUA)], rounds
    )
    yield _added("added by a background After hook of Python, for the saver", told, alone, 3)
    yield _added("added by a background After hook of Lua, for the saver", script_told, alone, 3)
    bare, told = alternate([script(NUMBERS_LUA), script(AFTER_LUA + NUMBERS_LUA)], rounds)
    yield _added("added by a background After hook of Lua, until it has run", told, bare)


def _busy(bench: Bench, source: str, language: str) -> float:
    started = process_time()
    bench.run(source, COUNT, language=language)
    return (process_time() - started) / COUNT


WAITING_LUA = """
local n, clock = tonumber(args[1]), os.clock
local started = clock()
for i = 1, n do State.save("bench", "k", i) end
return (clock() - started) / n
"""


def _waiting(bench: Bench, hook: str) -> float:
    """Seconds of processor time per save, until the hooks are told: fewer saves than one batch."""
    total = 0.0
    for _ in range(20):
        total += decode(bench.runtime.run((hook + WAITING_LUA).encode(), name="bench", language="lua", args=["90"]))
    return total / 20


def _added(name: str, times: Times, baseline: Times, target: float | None = None) -> Row:
    """The difference, pair by pair."""
    more = Times(tuple(max(0.0, one - bare) for one, bare in zip(times.seconds, baseline.seconds, strict=True)))
    if target is None:
        return Row(name, more)
    return Row(name, more, target=f"≤ {target:g} µs", is_met=more.median <= target / 1e6)


def _same(name: str, times: Times, baseline: Times) -> Row:
    row = Row(name, times, baseline, "the same (≥ 0.99)")
    return Row(row.name, row.times, row.baseline, row.target, (row.ratio or 0) >= 0.99)
