"""An interrupt ends a script within 100 ms, whatever the script does, and nothing of it runs afterwards."""

import statistics
import threading
import time

import pytest

from llmspell.errors import Interrupted, Timeout
from llmspell.languages.luahook import LuaHook
from tests.languages.engine import Engine

LIMIT = 0.1
SLACK = 0.4
"""What a machine that runs other tests at the same time may add. The median without it is asserted in the end."""

NEVER = "while true do end"
LUA = {
    "loop": NEVER,
    "pcall": "while true do pcall(function() while true do end end) end",
    "pcall of pcall": "local function f() while true do pcall(f) end end f()",
    "xpcall handler": "xpcall(function() while true do end end, function() while true do end end)",
    "xpcall loop": "while true do xpcall(error, function() while true do pcall(error) end end) end",
    "recursion": "local function f() return f() end f()",
    "deep recursion": "local function f() f() end while true do pcall(f) end",
    "coroutine": "coroutine.wrap(function() while true do pcall(function() while true do end end) end end)()",
    "generator": "local g = coroutine.wrap(function() while true do coroutine.yield(1) end end) while true do pcall(g) end",
    "nested coroutines": """
        local function nest(n)
          if n == 0 then while true do end end
          while true do pcall(coroutine.wrap(function() nest(n - 1) end)) end
        end
        nest(10)""",
    "resume": "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "new coroutines": "while true do coroutine.wrap(function() coroutine.wrap(function() end)() end)() end",
    "lost coroutine": """
        local main = coroutine.running()
        coroutine.wrap(function() pcall(coroutine.close, main) while true do end end)()""",
    "close": """
        local function trap() return setmetatable({}, {__close = function() while true do pcall(error) end end}) end
        coroutine.wrap(function() local x <close> = trap() while true do end end)()""",
    "closed coroutine": """
        local co = coroutine.create(function()
          local x <close> = setmetatable({}, {__close = function() while true do end end})
          coroutine.yield()
        end)
        coroutine.resume(co)
        coroutine.close(co)""",
    "failed and closed coroutine": """
        local co = coroutine.create(function()
          local x <close> = setmetatable({}, {__close = function() while true do end end})
          error("x")
        end)
        coroutine.resume(co)
        coroutine.close(co)""",
    "gsub": "while true do pcall(string.gsub, 'x', 'x', function() while true do end end) end",
    "sort": "table.sort({1, 2, 3}, function() while true do end end)",
    "index": "local t = setmetatable({}, {__index = function() while true do end end}) return t.x",
    "tostring": "print(setmetatable({}, {__tostring = function() while true do end end}))",
    "error object": "error(setmetatable({}, {__tostring = function() while true do end end}))",
    "load": "load(function() while true do end end)",
    "for pairs": "local t = {1} while true do for _ in pairs(t) do end end",
    "sleep": "sleep(1000)",
    "pcall of sleep": "while true do pcall(sleep, 1000) end",
    "update": "State.update('g', 'k', function() while true do end end)",
    "pcall of update": "while true do pcall(State.update, 'g', 'k', function() while true do end end) end",
    "coroutine in update": """
        State.update('g', 'k', function() coroutine.wrap(function() while true do pcall(function() while true do end end) end end)() end)""",
    "update in coroutine": """
        coroutine.wrap(function() while true do pcall(State.update, 'g', 'k', function() while true do end end) end end)()""",
    "transaction": "State.transaction(function() while true do State.save('g', 'k', 1) end end)",
    "host calls": "while true do pcall(State.load, 'g', 'k') end",
    "failing host calls": "while true do pcall(State.load, 'g', 5) end",
    "exit": "while true do pcall(os.exit, 'x') end",
    "allocation": "while true do local t = {} for i = 1, 1000 do t[i] = {} end end",
}
JAVASCRIPT = {
    "loop": "while (true) {}",
    "catch": "while (true) { try { while (true) {} } catch {} finally { continue } }",
    "recursion": "const f = () => { try { f() } catch { f() } }; f()",
    "generator": "function* g() { while (true) yield 1 } for (const x of g());",
    "generator return": "function* g() { try { yield 1 } finally { while (true) {} } } for (const x of g()) break",
    "iterator close": "for (const x of { [Symbol.iterator]: () => ({ next: () => ({}), return() { while (true) {} } }) }) break",
    "regex": "/(a*)*b/.test('a'.repeat(100) + 'c')",
    "caught regex": "while (true) try { /(a*)*b/.test('a'.repeat(100) + 'c') } catch {}",
    "promises": "(function f() { Promise.resolve().then(f) })()",
    "awaits": "while (true) await null",
    "async": "(async () => { while (true) {} })(); while (true) {}",
    "executor": "while (true) try { new Promise(() => { while (true) {} }) } catch {}",
    "sort": "[1, 2, 3].sort(() => { while (true) {} })",
    "getter": "State.save('g', 'k', { get a() { while (true) {} } })",
    "endless proxy": "State.save('g', 'k', new Proxy([], { get: (t, k) => (k === 'length' ? 2 ** 53 - 1 : k === 'toJSON' ? undefined : 1) }))",
    "toString": "print(Object.assign(() => 1, { get name() { while (true) {} } }), `${{ toString() { while (true) {} } }}`)",
    "error object": "throw { get a() { while (true) {} } }",
    "stack of an error": "const e = new Error('x'); Object.defineProperty(e, 'stack', { get() { while (true) {} } }); throw e",
    "result": "({ get a() { while (true) {} } })",
    "thenable": "await { then() { while (true) {} } }",
    "rejection": "Promise.reject({ get a() { while (true) {} } }); 1",
    "sleep": "sleep(1000)",
    "caught sleep": "while (true) try { sleep(1000) } catch {}",
    "update": "State.update('g', 'k', () => { while (true) {} })",
    "caught update": "while (true) try { State.update('g', 'k', () => { while (true) {} }) } catch {}",
    "transaction": "State.transaction(() => { while (true) State.save('g', 'k', 1) })",
    "host calls": "while (true) try { State.load('g', 'k') } catch {}",
    "failing host calls": "while (true) try { State.load('g', 5) } catch {}",
    "exit": "while (true) try { exit('x') } catch {}",
    "eval": "eval('while (true) {}')",
    "Function": "new Function('while (true) {}')()",
    "slow functions": "while (true) new Array(1e5).join('x')",
    "slow functions in update": "State.update('g', 'k', () => { while (true) new Array(1e5).join('x') })",
    "slow functions in recursion": "const f = () => { try { f() } catch { throw new Array(1e5).join('x') } }; while (true) try { f() } catch {}",
    "allocation": "while (true) Array.from({ length: 1000 }, () => ({}))",
    "big integers": "let n = 3n; while (true) n = (n * n) % (2n ** 4000n)",
    "modules": "await import('data:text/javascript,1').catch(() => { while (true) {} })",
}
CASES = [
    pytest.param(language, source, id=f"{language}-{name}")
    for language, sources in (("lua", LUA), ("javascript", JAVASCRIPT))
    for name, source in sources.items()
]


@pytest.fixture
def both(lua: Engine, javascript: Engine) -> dict[str, Engine]:
    return {"lua": lua, "javascript": javascript}


@pytest.mark.parametrize(("language", "source"), CASES)
def test_an_interrupt_ends_whatever_runs(both: dict[str, Engine], language: str, source: str) -> None:
    assert both[language].latency(source) < LIMIT + SLACK


@pytest.mark.parametrize(
    "source",
    [source for name, source in LUA.items() if name not in ("sleep", "error object")],
    ids=[name for name in LUA if name not in ("sleep", "error object")],
)
def test_without_the_hook_of_c_an_interrupt_still_ends_whatever_runs(
    lua: Engine, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LuaHook, "load", classmethod(lambda cls: None))
    assert lua.latency(source) < LIMIT + SLACK


def test_the_median_end_is_well_within_100_ms(engine: Engine) -> None:
    loop = NEVER if engine.is_lua else "while (true) {}"
    assert statistics.median(engine.latency(loop, 0.01) for _ in range(7)) < LIMIT / 2


AFTER = {
    "lua": [
        "sleep(1000) State.save('g', 'after', 1)",
        "pcall(sleep, 1000) State.save('g', 'after', 1)",
        "pcall(function() while true do end end) State.save('g', 'after', 1)",
        "pcall(State.update, 'g', 'k', function() while true do end end) State.save('g', 'after', 1)",
        "coroutine.resume(coroutine.create(function() while true do end end)) State.save('g', 'after', 1)",
        "xpcall(function() while true do end end, function() State.save('g', 'after', 1) end)",
        "local x <close> = setmetatable({}, {__close = function() State.save('g', 'after', 1) end}) while true do end",
        "State.update('g', 'after', function() pcall(sleep, 1000) return 1 end)",
        "State.transaction(function() State.save('g', 'after', 1) sleep(1000) end)",
        "while true do pcall(State.load, 'g', 5) if os.clock() < 0 then break end end State.save('g', 'after', 1)",
    ],
    "javascript": [
        "sleep(1000); State.save('g', 'after', 1)",
        "try { sleep(1000) } catch {} State.save('g', 'after', 1)",
        "try { while (true) {} } finally { State.save('g', 'after', 1) }",
        "try { new Promise(() => { while (true) {} }) } catch {} State.save('g', 'after', 1)",
        "(async () => { while (true) {} })(); State.save('g', 'after', 1)",
        "new Promise(() => { while (true) {} }).catch(() => State.save('g', 'after', 1))",
        "Promise.resolve().then(() => { while (true) {} }).finally(() => State.save('g', 'after', 1)); 1",
        "try { State.update('g', 'k', () => { while (true) {} }) } catch {} State.save('g', 'after', 1)",
        "State.update('g', 'after', () => { try { sleep(1000) } catch {} return 1 })",
        "State.transaction(() => { State.save('g', 'after', 1); sleep(1000) })",
        "try { await import('./x.js') } catch {} sleep(1000); State.save('g', 'after', 1)",
        "Error.prepareStackTrace = () => { State.save('g', 'after', 1) }; sleep(1000)",
    ],
}


@pytest.mark.parametrize(
    ("language", "source"),
    [(language, source) for language, sources in AFTER.items() for source in sources],
)
def test_after_an_interrupt_nothing_of_the_script_runs(both: dict[str, Engine], language: str, source: str) -> None:
    engine = both[language]
    assert engine.latency(source) < LIMIT + SLACK
    assert not engine.runtime.state.exists("g", "after")


def test_the_runtime_runs_the_next_script_as_if_nothing_had_been(engine: Engine) -> None:
    assert engine.run("sleep(1000)", stop_after=0.02).code == "interrupted"
    assert engine.run("return 5" if engine.is_lua else "5").value == 5
    assert (
        engine.run("State.transaction(function() end)" if engine.is_lua else "State.transaction(() => {})").error
        is None
    )


def test_an_interrupt_before_the_script_begins_is_not_lost(engine: Engine) -> None:
    """However the two threads meet, either the script ends by the interrupt or the interrupt came before `run`."""
    runtime = engine.runtime
    source = "sleep(0.3)"
    for delay in range(20):
        done = threading.Event()

        def stop(delay: int = delay, done: threading.Event = done) -> None:
            time.sleep(delay * 0.0005)
            while not done.is_set():
                runtime.interrupt(Interrupted("interrupted"))
                time.sleep(0.001)

        thread = threading.Thread(target=stop)
        thread.start()
        ran = engine.run(source)
        done.set()
        thread.join()
        assert ran.code == "interrupted"
        assert ran.seconds < LIMIT + SLACK


def test_a_stop_is_reported_once_with_the_first_reason(engine: Engine) -> None:
    runtime = engine.runtime
    threading.Timer(0.02, lambda: [runtime.interrupt(Timeout("first")), runtime.interrupt()]).start()
    ran = engine.run("sleep(1000)")
    assert ran.code == "timeout"
