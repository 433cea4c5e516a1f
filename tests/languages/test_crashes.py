"""No script brings the process down, and none meets a mistake of ours: attacks and random calls, in processes of their own."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TIMEOUT = 120

LUA = [
    "local t = {} for i = 1, 1e5 do t = {t} end State.save('g', 'k', t)",
    "local t = {} for i = 1, 1e5 do t = {t} end print(t)",
    "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return t[1]",
    "local t = {} for i = 1, 1e5 do t = setmetatable({}, {__index = t}) end return t.x",
    "local function f(...) return f(1, ...) end f()",
    "local function f() return pcall(f) end f()",
    "local function f() return coroutine.wrap(f)() end f()",
    "local function f() return coroutine.wrap(function() return pcall(f) end)() end f()",
    "local function f() return ('x'):gsub('x', f) end f()",
    "local function f() return table.sort({1, 2, 3}, f) end f()",
    "local function f() return load(f) end f()",
    "local function f() local x <close> = setmetatable({}, {__close = f}) error('x') end f()",
    "local t t = setmetatable({}, {__tostring = function() return tostring(t) end}) print(t)",
    "local t t = setmetatable({}, {__concat = function() return t .. t end}) return t .. t",
    "load(('('):rep(1e6))() ",
    "load(('x = {'):rep(1e6))",
    "load('return ' .. ('not '):rep(1e6) .. '1')",
    "load(('a.'):rep(1e6) .. 'b = 1')",
    "load('local ' .. ('a,'):rep(1e5) .. 'a')",
    "load(('if x then '):rep(1e5))",
    "load('return function() ' .. ('return function() '):rep(1e5))",
    "return (('x'):rep(1e5)):find(('(x'):rep(1e5))",
    "return ('x'):find('%b')",
    "return ('x'):rep(100):find(('x?'):rep(100))",
    "return string.format('%' .. ('9'):rep(100) .. 'd', 1)",
    "return string.pack('s1', ('x'):rep(300))",
    "return string.unpack('s8', '\\255\\255\\255\\255\\255\\255\\255\\255')",
    "return string.unpack('z', ('x'):rep(100))",
    "return string.unpack('I16', ('\\255'):rep(16), -1)",
    "return utf8.char(0x7fffffff), utf8.codepoint('\\255', 1)",
    "return table.unpack({}, math.mininteger, math.maxinteger)",
    "return table.concat({}, '', math.maxinteger, math.mininteger)",
    "return select(math.mininteger, 1)",
    "return math.tointeger('x'), math.random(math.mininteger, math.maxinteger), math.random(0)",
    "for i = math.maxinteger - 1, math.maxinteger do end",
    "for i = 1, 10, 0 do end",
    "return ('x'):rep(math.maxinteger, ('y'):rep(1e6))",
    "local co co = coroutine.wrap(function() return co() end) return co()",
    "local co co = coroutine.create(function() coroutine.close(co) end) return coroutine.resume(co)",
    "local co = coroutine.create(function() coroutine.yield() end) coroutine.resume(co) coroutine.close(co) coroutine.resume(co)",
    "coroutine.yield(1)",
    "local co = coroutine.wrap(function() State.update('g', 'k', function() coroutine.yield() end) end) co() co()",
    "local co = coroutine.create(function() State.transaction(function() coroutine.yield(1) end) end) coroutine.resume(co) coroutine.resume(co)",
    "for i = 1, 1e4 do coroutine.resume(coroutine.create(function() error({}) end)) end collectgarbage()",
    "for i = 1, 1e4 do pcall(State.save, i, {}, print) end collectgarbage()",
    "State.update('g', 'k', function() error(setmetatable({}, {__tostring = error})) end)",
    "State.update('g', 'k', function() State.update('g', 'k', function() error() end) end)",
    "State.transaction(function() State.transaction(function() os.exit(3) end) end)",
    "local e = select(2, pcall(State.save)) for k in pairs(e) do e[k] = nil end error(e)",
    "local e = select(2, pcall(State.save)) e.code = e e.message = e e.call = print error(e)",
    "error(setmetatable({}, {__metatable = 'error', __index = function() error('x') end}))",
    "_ENV = nil",
    "setmetatable(_ENV, {__index = function(t, k) return t[k] end}) return x",
    "_G._G = nil _G = nil pcall = nil error = nil State.save(1)",
    "string.rep = nil coroutine.wrap = nil table.unpack = nil State.save('g', 'k', {1})",
    "io.stdout:seek('set', -1) io.stdin:close() io.stderr:close() io.close()",
    "io.lines()() io.read('n') io.read(1e9)",
    "io.output():write(io.stdout)",
    "os.date('%E') ",
    "os.date('!%c', math.maxinteger)",
    "os.time({year = math.maxinteger, month = 1, day = 1})",
    "require(('x'):rep(1e6)) ",
    "require('\\0')",
    "require('.') require('/') require('..')",
    "JSON.parse(('['):rep(1e6))",
    "JSON.parse('1' .. ('0'):rep(1e5))",
    "JSON.stringify({}, {indent = 1e9})",
    "JSON.stringify(setmetatable({}, {__index = error, __len = error, __pairs = error}))",
    "Log.info(('x'):rep(1e6), {a = {b = '\\255'}})",
    "Log.info('x', {[1] = 2, [5] = '\\255'})",
    "State.load('g', 'k', {default = print})",
    "State.changes({timeout = 1e300})",
    "State.changes({since = '\\255'})",
    "State.changes({since = 1e300})",
    "State.load('g', 'k', {at = 1e300})",
    "State.load('g', 'k', {at = '9999999-99-99'})",
    "State.history('g', 'k', {limit = math.maxinteger, since = math.mininteger})",
    "State.list_keys('g', {limit = -1})",
    "State.increment('g', 'k', math.maxinteger) State.increment('g', 'k', math.maxinteger)",
    "State.increment('g', 'k', 1e308) State.increment('g', 'k', 1e308)",
    "State.save('g', 'k', 1, {ttl = 1e300})",
    "State.save('g', 'k', 1, {ttl = math.maxinteger})",
    "State.save('g', 'k', 1, {if_version = math.mininteger})",
    "State.save(('x'):rep(1e6), ('y'):rep(1e6), 1)",
    "State.save('g', 'k', ('x'):rep(2e7))",
    "sleep(math.maxinteger)",
    "sleep(1e300)",
]
JAVASCRIPT = [
    "const dig = (n, f) => (n ? dig(n - 1, f) + 0 : f()); const nest = (k) => dig(1200, () => (k ? (State.update('g', `k${k}`, () => nest(k - 1)), 0) : 0)); nest(25)",
    "const dig = (n, f) => (n ? dig(n - 1, f) + 0 : f()); const nest = (k) => { try { return dig(2200, () => (State.update('g', `k${k}`, () => nest(k - 1)), 0)) } catch { return k > 0 ? nest(k - 1) : 0 } }; nest(100)",
    "const f = () => { try { f() } catch { State.save('g', 'k', 1) } }; f()",
    "const f = () => { try { f() } finally { print(1) } }; f()",
    "const f = () => { try { f() } catch { throw new Error(new Array(1e6).join('x')) } }; f()",
    "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; State.save('g', 'k', a)",
    "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; print(a)",
    "let a = []; for (let i = 0; i < 5000; i++) a = [a]; exit(a)",
    "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; throw a",
    "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)",
    "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; String(a)",
    "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity)",
    "let a = {}; for (let i = 0; i < 5e5; i++) a = { a }; a = null",
    "let f = () => 1; for (let i = 0; i < 1e5; i++) { const g = f; f = () => g() } f()",
    "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); Object.keys(p)",
    "let p = {}; for (let i = 0; i < 1e5; i++) p = new Proxy(p, {}); State.save('g', 'k', p)",
    "let s = 'x'.repeat(600); for (let i = 0; i < 2000; i++) s = 'y'.repeat(600) + s; State.save('g', 'k', s)",
    "eval('('.repeat(1e6))", "eval('['.repeat(1e6))", "eval('-'.repeat(1e6) + '1')", "eval('a => '.repeat(1e5) + '1')",
    "eval('`${'.repeat(1e5))", "eval('if (1) '.repeat(1e5) + '1')", "eval('class A { static {'.repeat(1e5))", "eval('({ a: '.repeat(1e5))",
    "new RegExp('('.repeat(1e6))", "new RegExp('(?:'.repeat(1e6) + ')'.repeat(1e6))", "new RegExp('[['.repeat(1e5), 'v')",
    "/(?:a|b|c)*$/.test('a'.repeat(1e7))", "JSON.parse('['.repeat(1e6))",
    "await import('./none.js')", "await import('\\ud800')", "await import({ toString() { throw 1 } })", "import('./none.js'); 1",
    "Error.prepareStackTrace = () => { State.save('g', 'k', 1) }; await import('./none.js')",
    "Object.defineProperty(Object.prototype, 'code', { set() { print('set') } }); await import('./none.js')",
    "Object.setPrototypeOf(ScriptError, class extends Error { constructor() { super(); State.save('g', 'k', 1) } }); await import('./none.js')",
    "Object.setPrototypeOf(ScriptError, null); State.save(5)",
    "ScriptError.prototype.constructor = null; delete ScriptError.prototype.toString; State.save(5)",
    "new ScriptError()", "new ScriptError({ message: { toString() { throw 1 } } })", "throw new ScriptError({ code: {}, message: 5n, call: [] })",
    "const e = new ScriptError({ message: 'x' }); e.code = { toString() { throw 1 } }; throw e",
    "Error.prepareStackTrace = () => { throw 1 }; null.x", "Error.prepareStackTrace = 5; null.x",
    "Error.stackTraceLimit = { valueOf() { throw 1 } }; null.x", "Error.stackTraceLimit = 1e9; const f = () => f(); f()",
    "Object.defineProperty(Error.prototype, 'stack', { get() { State.save('g', 'k', 1); return {} } }); null.x",
    "const e = new Error('x'); e.stack = 'at f (x:²:1)'; throw e", "const e = new Error('x'); e.stack = `at f (x:${'1'.repeat(5000)}:1)`; throw e",
    "const e = new Error(); e.message = { toString() { throw 1 } }; throw e", "throw new Proxy({}, { get() { throw 1 } })",
    "throw Object.create(null)", "throw Symbol('x')", "throw null", "throw undefined", "throw 5n", "throw () => 1",
    "Promise.reject({ get message() { throw 1 } }); 1", "Promise.reject()", "for (let i = 0; i < 1e4; i++) Promise.reject(i); 1",
    "Array.prototype.then = function (f) { f(1) }; await []", "await { then(f) { f(this) } }", "Promise.prototype.then = () => {}; 5",
    "Object.defineProperty(Promise.prototype, 'constructor', { get() { throw 1 } }); 5", "globalThis.Promise = null; 5",
    "State.update('g', 'k', () => { throw null })", "State.update('g', 'k', () => { throw { get then() { throw 1 } } })",
    "State.update('g', 'k', () => ({ get then() { throw 1 } }))", "State.update('g', 'k', () => ({ then() {} }))",
    "State.update('g', 'k', State.update)", "State.update('g', 'k', class {})", "State.update('g', 'k', new Proxy(() => 1, {}))",
    "State.update('g', 'k', function () { return this })", "State.update('g', 'k', () => exit(3))", "State.transaction(() => State.transaction(() => exit(3)))",
    "Object.defineProperty(Function.prototype, 'index', { set() {} }); State.update('g', 'k', () => ({ then() {} }))",
    "for (const i of [0, 1, 2, 3]) Object.defineProperty(Array.prototype, String(i), { set() {}, get() {} }); State.update('g', 'k', () => 1); State.load('g', 'k', {})",
    "for (let i = 0; i < 1e4; i++) try { State.save(i, {}, print) } catch {}",
    "exit({ valueOf() { throw 1 } })", "exit(Symbol())", "exit(-1)", "exit(1e300)", "exit(NaN)", "exit(5n)", "exit('3')",
    "sleep(2n ** 63n)", "sleep(Symbol())", "sleep({})", "sleep('1')", "sleep(1e300)", "sleep(-1e300)",
    "State.save(Symbol(), Symbol(), Symbol())", "State.save('g', 'k', 1, Symbol())", "State.save('g', 'k', 1, new Proxy({}, { ownKeys() { throw 1 } }))",
    "State.save('g', 'k', 1, { ttl: { valueOf: () => 5 } })", "State.save('g', 'k', 1, { ttl: 1e300 })", "State.save('g', 'k', 1, { if_version: -1 })",
    "State.save('x'.repeat(1e6), 'y'.repeat(1e6), 1)", "State.save('g', 'k', 'x'.repeat(2e7))", "State.load('g', 'k', { at: '9999999-99-99' })",
    "State.changes({ since: 1e300 })", "State.history('g', 'k', { limit: -1, since: {} })", "State.increment('g', 'k', 2n ** 63n - 1n); State.increment('g', 'k')",
    "State.save.call(null)", "new State.save()", "State.save.apply(null, { length: 65535 })", "Reflect.construct(State.save, [])", "State()",
    "print(new Proxy({}, { get() { throw 1 } }))", "print(new Proxy([], { get: (t, k) => (k === 'length' ? 1e5 : print) }))", "print(Object.create(null), globalThis)",
    "print({ get a() { throw 1 } })", "console.log.call(null, Symbol.iterator, new WeakMap(), new DataView(new ArrayBuffer(8)))",
    "const u = new Uint8Array(100); State.save('g', 'k', [u, { get x() { u.buffer.transfer(); return 1 } }, u])",
    "const r = new ArrayBuffer(8, { maxByteLength: 16 }), u = new Uint8Array(r); State.save('g', 'k', { get x() { r.resize(1); return u }, y: u })",
    "const a = [1, 2, 3, 4]; State.save('g', 'k', [{ get x() { a.length = 0; return 1 } }, a, a])",
    "new FinalizationRegistry(() => { while (true) {} }).register({}, 1); for (let i = 0; i < 1e5; i++) ({ i })",
    "const ws = []; for (let i = 0; i < 1e4; i++) ws.push(new WeakRef({})); ws.filter((w) => w.deref()).length",
    "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)", "new Function('while (true) {}')()", "performance.now = null; 1",
    "globalThis.globalThis = null; Object = Array = JSON = String = null; State.save('g', 'k', { a: [1n] })", "delete globalThis.Object; State.load('g', 'k')",
]  # fmt: skip


def run(cases: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Code and message of each script; fails when the process did not outlive them all."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.languages.attacks"],
        input=json.dumps(cases).encode(),
        capture_output=True,
        cwd=ROOT,
        timeout=TIMEOUT,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"[") and line.endswith(b'"]')]
    ended = {index: (code, message) for index, code, message in lines}
    assert done.returncode == 0, (done.returncode, cases[len(ended)], done.stderr.decode(errors="replace")[-2000:])
    assert len(ended) == len(cases)
    return [ended[index] for index in range(len(cases))]


def judge(cases: list[tuple[str, str]]) -> None:
    for (language, source), (code, message) in zip(cases, run(cases), strict=True):
        assert code != "internal", (language, source, message)
        assert "Python" not in message, (language, source, message)
        assert "SystemError" not in message, (language, source, message)


@pytest.mark.parametrize("start", range(0, len(LUA), 30))
def test_no_attack_in_lua_brings_the_process_down(start: int) -> None:
    judge([("lua", source) for source in LUA[start : start + 30]])


@pytest.mark.parametrize("start", range(0, len(JAVASCRIPT), 30))
def test_no_attack_in_javascript_brings_the_process_down(start: int) -> None:
    judge([("javascript", source) for source in JAVASCRIPT[start : start + 30]])


FUNCTIONS = [
    "State.save", "State.load", "State.entry", "State.delete", "State.exists", "State.list_keys", "State.list", "State.list_scopes",
    "State.count", "State.clear", "State.increment", "State.update", "State.transaction", "State.history", "State.changes",
    "State.flush", "State.metrics", "Log.info", "print", "sleep",
]  # fmt: skip
LUA_ATOMS = [
    "nil", "true", "0", "-1", "1.5", "0/0", "1/0", "math.maxinteger", "math.mininteger", "''", "'g'", "'k'", "'\\0'", "'\\255'", "'__x'",
    "('x'):rep(300)", "{}", "{1, 2}", "{a = 1}", "{limit = 2}", "{ttl = 0.001}", "{default = {}}", "{at = 1}", "{since = 0}", "{timeout = 0.001}",
    "JSON.null", "JSON.array()", "print", "function() end", "function() error('x') end", "function(v) return v end",
    "function() return State.save('g', 'k', 1) end", "coroutine.create(print)", "State", "_G", "{[1.5] = 1}", "setmetatable({}, {__index = error})",
]  # fmt: skip
JAVASCRIPT_ATOMS = [
    "undefined", "null", "true", "0", "-0", "-1", "1.5", "NaN", "Infinity", "2n ** 63n", "5n", "''", "'g'", "'k'", "'\\0'", "'\\ud800'", "'__x'",
    "'x'.repeat(300)", "{}", "[1, 2]", "{ a: 1 }", "{ limit: 2 }", "{ ttl: 0.001 }", "{ default: {} }", "{ at: 1 }", "{ since: 0 }",
    "{ timeout: 0.001 }", "Symbol()", "print", "() => {}", "() => { throw 1 }", "(v) => v", "() => State.save('g', 'k', 1)", "async () => 1",
    "new Map()", "new Uint8Array([1, 255])", "new Date()", "State", "globalThis", "[, 1]", "new Proxy({}, {})", "{ get a() { throw 1 } }",
    "{ toJSON() { return undefined } }", "class {}", "/x/",
]  # fmt: skip


def random_script(seed: int) -> tuple[str, str]:
    """Calls of the globals with odd arguments, caught or not, in functions, coroutines and promises."""
    source = random.Random(seed)
    language = source.choice(["lua", "javascript"])
    atoms = LUA_ATOMS if language == "lua" else JAVASCRIPT_ATOMS
    lines = []
    for _ in range(source.randint(1, 8)):
        function = source.choice(FUNCTIONS)
        if source.random() < 0.3:
            head, *tail = function.split("_")
            function = head + "".join(map(str.capitalize, tail))
        words = [
            source.choice(["'g'", "'k'"]) if source.random() < 0.4 else source.choice(atoms)
            for _ in range(source.randint(0, 5))
        ]
        call = f"{function}({', '.join(words)})"
        if language == "lua":
            wrap = ["pcall(function() {} end)", "State.update('g', 'k', function(v) return {} end)", "coroutine.wrap(function() {} end)()",
                    "pcall(State.transaction, function() {} end)", "print(pcall(function() return {} end))", "{}"]  # fmt: skip
            if call.startswith("function"):
                continue
            text = source.choice(wrap)
            if "return {}" not in text:
                call = "local _ = " + call
            lines.append(text.replace("{}", call))
        else:
            wrap = ["try {{ {} }} catch {{}}", "State.update('g', 'k', (v) => {})", "(async () => {{ await {} }})().catch(() => 1)",
                    "try {{ State.transaction(() => {{ {} }}) }} catch {{}}", "print({})", "{}"]  # fmt: skip
            lines.append(source.choice(wrap).replace("{{", "{").replace("}}", "}").replace("{}", call) + ";")
    return language, "\n".join(lines)


def test_random_calls_never_meet_a_mistake_of_ours() -> None:
    judge([random_script(seed) for seed in range(400)])


@pytest.mark.crash
@pytest.mark.parametrize("block", range(20))
def test_many_random_calls_never_meet_a_mistake_of_ours(block: int) -> None:
    first = 1000 + block * 1000
    judge([random_script(seed) for seed in range(first, first + 1000)])
