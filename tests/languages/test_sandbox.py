"""What a script can reach: its own values, the globals, and what the grants open. Nothing of the host behind them."""

import os
from pathlib import Path

import pytest

from tests.languages.engine import Engine

WALK = """
-- Everything that can be reached from the globals, through keys, values and metatables.
local seen, found = {}, {}
local function walk(v, path)
  local kind = type(v)
  if kind == "userdata" or kind == "thread" then found[#found + 1] = path .. " is a " .. kind end
  if kind == "function" and tostring(v):find("builtin") == nil and path:find("[Pp]ython") then found[#found + 1] = path end
  if kind ~= "table" or seen[v] then return end
  seen[v] = true
  for key, item in next, v do walk(key, path .. ".<key>") walk(item, path .. "." .. tostring(key)) end
  for key, item in pairs(v) do walk(item, path .. "." .. tostring(key)) end
  local meta = getmetatable(v)
  if type(meta) == "table" then walk(meta, path .. ".<meta>") end
end
walk(_G, "_G")
walk(getmetatable(""), "<string>")
for _, f in ipairs {State.save, sleep, print, pcall} do walk(getmetatable(f), "<function>") end
local _, e = pcall(State.save, 1, 1, 1)
walk(e, "<error>")
walk(getmetatable(e), "<error meta>")
walk({pcall(require, {})}, "<require>")
return found
"""


def test_no_object_of_the_host_is_reachable_from_lua(lua: Engine) -> None:
    ran = lua.run(WALK)
    assert ran.value == {}, ran.text
    lua.set(engines__lua__stdlib="none")
    assert lua.run(WALK).value == {}


def test_no_object_of_the_host_is_reachable_from_javascript(javascript: Engine) -> None:
    ran = javascript.run(
        """
        const seen = new Set(), found = []
        const walk = (v, path) => {
          if ((typeof v !== 'object' && typeof v !== 'function') || v === null || seen.has(v) || path.length > 200) return
          seen.add(v)
          if (/__|host|prelude|rejection|python/i.test(path)) found.push(path)
          for (const key of Reflect.ownKeys(v)) {
            if (['__proto__', '__defineGetter__', '__defineSetter__', '__lookupGetter__', '__lookupSetter__'].includes(key)) continue
            const property = Reflect.getOwnPropertyDescriptor(v, key)
            if (property === undefined) continue
            walk(property.value, `${path}.${String(key)}`)
            walk(property.get, `${path}.get ${String(key)}`)
            walk(property.set, `${path}.set ${String(key)}`)
            try { walk(v[key], `${path}.${String(key)}`) } catch {}
          }
          walk(Object.getPrototypeOf(v), `${path}.proto`)
        }
        walk(globalThis, 'globalThis')
        try { State.save('g', 5, 1) } catch (e) { walk(e, 'error') }
        await import('./none.js').catch((e) => walk(e, 'imported'))
        found
        """
    )
    assert ran.value == [], ran.text


HARMLESS_LUA = {
    "python": "return python == nil and debug == nil and package == nil and io == nil and dofile == nil and loadfile == nil",
    "bytecode": "return load('\\27Lua') == nil and load('return 1', 'x', 'b') ~= nil and string.dump == nil",
    "bytecode in parts": "local n = 0 return load(function() n = n + 1 return ({'\\27', 'Lua'})[n] end) == nil",
    "metatable of strings": "return getmetatable('') == false and not pcall(setmetatable, '', {})",
    "metatable of functions": "return getmetatable(State.save) == nil and getmetatable(print) == nil",
    "attributes of functions": "return not pcall(function() return State.save.__globals__ end)",
    "metatable of globals": "return getmetatable(State) == 'State' and not pcall(setmetatable, State, {})",
    "metatable of _G": "return not pcall(setmetatable, _G, {}) and getmetatable(_G) == '_G'",
    "fields of an error": "local _, e = pcall(State.save, 5) return type(e) == 'table' and getmetatable(e) == 'error' and e.__traceback__ == nil",
    "finalizers": "return not pcall(setmetatable, {}, {__gc = function() end})",
    "finalizers later": """
        local ran, meta = false, {}
        setmetatable({}, meta)
        meta.__gc = function() ran = true end
        setmetatable({}, setmetatable({}, {__index = {__gc = meta.__gc}}))
        collectgarbage()
        collectgarbage()
        return not ran""",
    "hijacked string functions": """
        string.char, string.pack, string.find, string.format = error, error, error, error
        table.concat, table.unpack, next, pairs, ipairs, type, tostring, select = error, error, error, error, error, error, error, error
        State.save("g", "k", {a = {1, "x", 2.5}})
        return State.load("g", "k").a[2] == "x" and State.exists("g", "k")""",
    "hijacked string index": "string.len = nil return pcall(function() return ('x'):len() end) == false and State.count('g') == 0",
    "environment": "local f = load('x = 1 return State', 'n', 't', {}) return f() == nil and x == nil",
    "rawset": "return not pcall(rawset, State, 'save', 1) and not pcall(rawset, _G, 'State', 1)",
    "table functions": "return not pcall(table.insert, State, 1) and not pcall(table.move, {1}, 1, 1, 1, State)",
    "next": "return next(State) == nil and next(JSON) == nil",
    "pairs gives a copy": "local _, t = pairs(State) t.save = nil return State.save ~= nil",
    "pairs of _G gives a copy": "local _, t = pairs(_G) t.State = nil return State ~= nil",
    "marking a global as a list": "return not pcall(JSON.array, State) and not pcall(JSON.array, JSON.null) and not pcall(JSON.array, _G)",
    "collectgarbage": "return not pcall(collectgarbage, 'stop') and not pcall(collectgarbage, 'setpause', 1) and collectgarbage('count') > 0",
    "coroutine of the host": "return coroutine.status(coroutine.running()) == 'running' and not pcall(coroutine.close, coroutine.running())",
    "a callback is only good while it is called": """
        local kept
        State.update("g", "k", function() kept = true return 1 end)
        return kept and State.load("g", "k") == 1""",
    "os": "return os.execute == nil and os.remove == nil and os.rename == nil and os.tmpname == nil and os.setlocale == nil",
    "getenv": "return os.getenv('PATH') == nil and os.getenv('LLMSPELL_KEY') == nil and os.getenv('HOME\\0') == nil",
    "names that are no text": "return not pcall(require, '\\255\\0') and not pcall(State.save, '\\255', '\\255', 1)",
}
HARMLESS_JAVASCRIPT = {
    "globals": "['require', 'process', 'std', 'os', 'module', 'Deno', 'Python', 'python'].every((name) => !(name in globalThis))",
    "internals": "Object.getOwnPropertyNames(globalThis).every((name) => !name.startsWith('__') && !name.includes('prelude'))",
    "callers": "(() => { try { return State.save.caller === undefined } catch { return true } })()",
    "arguments": "(() => { try { return State.save.arguments === undefined } catch { return true } })()",
    "call sites": """
        Error.prepareStackTrace = (_, sites) => sites
        let sites
        try { State.save('g', 5, 1) } catch (e) { sites = e.stack }
        Error.prepareStackTrace = undefined
        Array.isArray(sites) && sites.every((site) => site.getFunction === undefined && site.getThis === undefined)""",
    "Function": "new Function('return typeof State.save')() === 'function' && (0, eval)('typeof __host_write') === 'undefined'",
    "constructor": "State.save.constructor === Function && State.save.constructor('return this')() === globalThis",
    "prototypes": "Object.getPrototypeOf(State) !== Object.prototype && State.constructor === undefined && State.__proto__ === undefined",
    "frozen functions": "Object.isFrozen(State.save) && !Object.isExtensible(State)",
    "frozen names": """
        const refused = (f) => { try { f(); return false } catch { return true } }
        refused(() => Object.defineProperty(State, 'save', { value: 1 })) && refused(() => Object.defineProperty(State, 'new', { value: 1 })) &&
        refused(() => Object.setPrototypeOf(State, null)) && refused(() => Object.assign(State, { save: 1 })) &&
        refused(() => Object.defineProperty(globalThis, 'State', { value: 1 })) && refused(() => { 'use strict'; delete State.save }) &&
        refused(() => Reflect.set(State, 'save', 1) || null.x) && typeof State.save === 'function'""",
    "hijacked iterators": """
        Array.prototype[Symbol.iterator] = String.prototype[Symbol.iterator] = function () { throw new Error('hijacked') }
        State.save('g', 'k', { a: [1, 'x'] }, { ttl: 60 })
        State.load('g', 'k').a[1] === 'x' && State.update('g', 'n', (v) => 5) === 5""",
    "hijacked setters": """
        let seen = 0
        for (const [target, name] of [[Array.prototype, '0'], [Array.prototype, '1'], [Array.prototype, '2'],
            [Object.prototype, 'get'], [Object.prototype, 'path'], [Object.prototype, 'problem'], [Function.prototype, 'index'],
            [Object.prototype, 'code'], [Object.prototype, 'error'], [Object.prototype, 'f']]) {
          Object.defineProperty(target, name, { __proto__: null, configurable: true, set(v) { seen++ }, get() { return undefined } })
        }
        State.save('g', 'k', { a: [1, 5n, new Uint8Array(2)] })
        const value = State.update('g', 'k', (v) => v)
        const none = State.changes({ limit: 1 })
        let code
        try { State.save('g', 'k', NaN) } catch (e) { code = 'caught' }
        value.a.length === 3 && code === 'caught'""",
    "hijacked globals": """
        globalThis.BigInt = globalThis.Error = globalThis.Array = globalThis.Object = globalThis.Promise = globalThis.Symbol = null
        State.save('g', 'k', { a: [9007199254740993n] })
        let code
        try { State.save('g', 5, 1) } catch (e) { code = e.code }
        State.load('g', 'k').a[0] === 9007199254740993n && code === 'bad_argument'""",
    "hijacked JSON": """
        JSON.stringify = JSON.parse = JSON.rawJSON = () => { throw 1 }
        State.save('g', 'k', { a: [-0, 5n] })
        Object.is(State.load('g', 'k').a[0], -0)""",
    "species": """
        Array[Symbol.species] = class { constructor() { throw 1 } }
        Object.defineProperty(Array.prototype, 'constructor', { get() { throw 1 } })
        State.save('g', 'k', [1, 2, 3])
        State.update('g', 'k', (v) => v).length === 3""",
    "toJSON of prototypes": """
        Object.prototype.toJSON = Array.prototype.toJSON = Uint8Array.prototype.toJSON = () => 5
        State.save('g', 'k', { a: new Uint8Array([7]) })
        delete Object.prototype.toJSON
        State.load('g', 'k') === 5""",
    "tags that are none": """
        Array.prototype.toJSON = function () { return { $bytes: '***' } }
        State.save('g', 'k', [1, 5n])
        State.save('g', 'l', { $bytes: '***', $map: 1 })
        State.save('g', 'm', { $bytes: '***' })
        delete Array.prototype.toJSON
        State.load('g', 'k').$bytes === '***' && State.load('g', 'l').$bytes === '***' && State.load('g', 'm').$bytes === '***'""",
    "pollution by what is loaded": """
        State.save('g', 'k', { ['__proto__']: { polluted: 1 }, constructor: { prototype: { polluted: 1 } } })
        const loaded = State.load('g', 'k')
        ;({}).polluted === undefined && loaded.polluted === undefined && Object.hasOwn(loaded, '__proto__')""",
    "blocking": "(() => { try { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0) } catch { return true } })()",
    "dynamic import of the start": "await import('llmspell:run:1').then(() => false, (e) => e.code === 'access_denied')",
    "import of data": "await import('data:text/javascript,export default 1').then(() => false, (e) => e.code === 'access_denied')",
    "the memory of the process": "await import('/proc/self/environ').then(() => false, (e) => e.code === 'access_denied')",
    "names with NUL": "await import('./x\\0y').then(() => false, (e) => e.code === 'access_denied')",
}


@pytest.mark.parametrize("source", HARMLESS_LUA.values(), ids=HARMLESS_LUA.keys())
def test_lua_gets_no_further(lua: Engine, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMSPELL_KEY", "secret")
    ran = lua.run(source)
    assert ran.value is True, ran.text


@pytest.mark.parametrize("source", HARMLESS_JAVASCRIPT.values(), ids=HARMLESS_JAVASCRIPT.keys())
def test_javascript_gets_no_further(javascript: Engine, source: str) -> None:
    ran = javascript.run(source)
    assert ran.value is True, ran.text


def test_getenv_gives_the_granted_names_and_never_the_key(lua: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMSPELL_KEY", "secret")
    monkeypatch.setenv("GRANTED", "value")
    monkeypatch.setenv("OTHER", "value")
    script = "return {os.getenv('GRANTED') or 'nil', os.getenv('OTHER') or 'nil', os.getenv('LLMSPELL_KEY') or 'nil', os.getenv('UNSET') or 'nil'}"
    assert lua.run(script).value == ["nil"] * 4
    lua.set(runtime__security__allow_env=["GRANTED", "LLMSPELL_KEY"])
    assert lua.run(script).value == ["value", "nil", "nil", "nil"]
    lua.set(runtime__security__allow_env=True)
    assert lua.run(script).value == ["value", "value", "nil", "nil"]


FILES = """
local function code(f, ...)
  local ok, e, problem = pcall(f, ...)
  if ok and e == nil then return problem and "refused by the system" or "nil" end
  return ok and "done" or type(e) == "table" and e.code or tostring(e)
end
local path = ...
return {
  code(io.open, path), code(io.open, path, "w"), code(io.lines, path), code(io.input, path), code(io.output, path),
  code(os.remove, path), code(os.rename, path, path .. "2"), code(os.rename, path .. "2", path),
}
"""
REFUSED = ["access_denied"] * 8


def test_the_full_library_opens_nothing_that_is_not_granted(lua: Engine, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("content")
    lua.set(engines__lua__stdlib="full")
    assert lua.run(FILES, str(path)).value == REFUSED
    assert path.read_text() == "content"
    for source in ("io.popen('true')", "os.execute('true')", "io.tmpfile()", "os.tmpname()", "os.setlocale('C')"):
        assert lua.run(source).code == "access_denied", source


def test_a_path_that_is_a_number_needs_a_grant_too(
    lua: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "5").write_text("content")
    lua.set(engines__lua__stdlib="full")
    for source in ("io.open(5)", "io.open(5, 'w')", "io.lines(5)", "io.output(5)", "os.remove(5)", "os.rename(5, 6)"):
        assert lua.run(source).code == "access_denied", source
    assert (tmp_path / "5").read_text() == "content"


def test_a_granted_folder_opens_what_lies_in_it_and_nothing_else(lua: Engine, tmp_path: Path) -> None:
    granted, other = tmp_path / "granted", tmp_path / "granted_not"
    granted.mkdir()
    other.mkdir()
    (granted / "file").write_text("inside")
    (other / "file").write_text("outside")
    (granted / "link").symlink_to(other / "file")
    (granted / "folder").symlink_to(other)
    lua.set(engines__lua__stdlib="full", runtime__security__allow_file_access=[str(granted)])
    read = "local f = io.open(...) local text = f:read('a') f:close() return text"
    assert lua.run(read, str(granted / "file")).value == "inside"
    assert lua.run(read, f"{granted}/folder/../file").code == "access_denied"
    for path in (
        other / "file", granted / "link", granted / "folder" / "file", f"{granted}/../granted_not/file",
        f"{granted}/./../granted_not/file", f"{granted}/nothing/../../granted_not/file", "/etc/passwd", "", "/", f"{granted}_not/file",
    ):  # fmt: skip
        assert lua.run(FILES, str(path)).value == REFUSED, path
    assert (other / "file").read_text() == "outside"
    assert lua.run("io.open(... .. '\\0x')", str(granted / "file")).code == "bad_argument"
    assert lua.run("local f = io.open(..., 'w') f:write('new') f:close()", str(granted / "made")).error is None
    assert (granted / "made").read_text() == "new"


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="there is no /proc here")
@pytest.mark.parametrize(
    "path",
    [
        "/proc/self/environ", "/proc/self/mem", "/proc/self/maps", "/proc/self/cmdline", "/proc/thread-self/environ",
        "/proc/self/task/../environ", "/proc/self/cwd/" + "../" * 40 + "proc/self/environ", "/proc/self/root/proc/self/environ",
        "/dev/fd/../environ", f"/proc/{os.getppid()}/environ",
    ],
)  # fmt: skip
def test_the_memory_of_processes_is_never_granted(lua: Engine, path: str) -> None:
    assert lua.full().run(FILES, path).value == REFUSED


def test_the_key_file_is_never_granted_under_any_name(lua: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    key = folder / "key"
    key.write_text("secret")
    os.link(key, tmp_path / "hard")
    (tmp_path / "soft").symlink_to(key)
    lua.full().set(state__encryption__key_file=str(key))
    for path in (key, tmp_path / "hard", tmp_path / "soft"):
        assert lua.run(FILES, str(path)).value[:5] == REFUSED[:5], path
    assert lua.run("os.rename(..., ... .. '2')", str(folder)).code == "access_denied"
    assert lua.run("os.rename(..., ... .. '2')", str(tmp_path)).code == "access_denied"
    assert key.read_text() == "secret"


def test_the_standard_streams_cannot_be_closed_or_taken(lua: Engine, capfd: pytest.CaptureFixture[str]) -> None:
    ran = lua.full().run(
        """
        pcall(io.close)
        pcall(io.stdout.close, io.stdout)
        pcall(function() io.output():close() end)
        pcall(function() return io.stdout:setvbuf("full") end)
        io.write("one ", 2, "\\n")
        print("three")
        return getmetatable(io.stdout)
        """
    )
    assert ran.value is False, ran.text
    assert capfd.readouterr().out == "one 2\nthree\n"


def test_a_message_with_a_name_that_is_no_text_is_still_a_message(lua: Engine) -> None:
    ran = lua.set(engines__lua__stdlib="full").run("io.open('/\\255')")
    assert (ran.code, ran.text) == ("access_denied", "'/?' is not granted to this script")


def test_a_script_cannot_open_the_files_of_its_store(engine: Engine, tmp_path: Path) -> None:
    """Neither by name, nor through links, nor a folder above, and artifacts neither read nor write there."""
    store, link, elsewhere = tmp_path / "store", tmp_path / "link", tmp_path / "hard"
    engine.set(
        state__backend="disk", state__path=str(store), runtime__security__allow_file_access=True,
        runtime__sessions__enabled=True,
    )  # fmt: skip
    engine.run("State.save('s', 'k', 1)")
    link.symlink_to(store)
    os.link(store / "data.mdb", elsewhere)
    paths = [store / "data.mdb", link / "data.mdb", elsewhere, store / "new", link / "new", store]
    work = engine.run("return Session.create()" if engine.is_lua else "Session.create()").value
    for path in paths:
        ran = engine.run(LUA_ARTIFACT if engine.is_lua else JAVASCRIPT_ARTIFACT, work, str(path))
        assert ran.value == ["access_denied", "access_denied"], (path, ran.text)
        if engine.is_lua:
            assert engine.set(engines__lua__stdlib="full").run("io.open(..., 'r+')", str(path)).code == "access_denied"
    assert not (store / "new").exists()
    ran = engine.run(LUA_ARTIFACT if engine.is_lua else JAVASCRIPT_ARTIFACT, work, str(tmp_path / "other"))
    assert ran.value == ["not_found"]
    assert (tmp_path / "other").read_bytes() == b"x"


def test_a_script_cannot_open_the_files_of_the_sessions_store_when_there_is_no_state(
    engine: Engine, tmp_path: Path
) -> None:
    store = tmp_path / "sessions"
    engine.set(
        state__enabled=False, state__backend="disk", runtime__security__allow_file_access=True,
        runtime__sessions__enabled=True, runtime__sessions__path=str(store),
    )  # fmt: skip
    work = engine.run("return Session.create()" if engine.is_lua else "Session.create()").value
    for path in (store / "data.mdb", store / "new"):
        ran = engine.run(LUA_ARTIFACT if engine.is_lua else JAVASCRIPT_ARTIFACT, work, str(path))
        assert ran.value == ["access_denied", "access_denied"], (path, ran.text)
    assert (store / "data.mdb").exists()
    assert not (store / "new").exists()


LUA_ARTIFACT = """
local work, path = ...
local codes = {}
local id = Artifact.store(work, "t", "n", "x")
for _, call in ipairs {
  function() Artifact.store_file(work, path, "t") end,
  function() Artifact.save_to(work, id, path) end,
} do
  local ok, problem = pcall(call)
  if not ok then codes[#codes + 1] = problem.code end
end
return codes
"""
JAVASCRIPT_ARTIFACT = """
const [work, path] = args
const id = Artifact.store(work, 't', 'n', 'x')
const codes = []
for (const call of [() => Artifact.storeFile(work, path, 't'), () => Artifact.saveTo(work, id, path)]) {
  try { call() } catch (error) { codes.push(error.code) }
}
codes
"""
