"""Lua 5.4 through lupa: only byte strings, numbers and booleans cross, and no Python object is in the script's reach."""

import _thread
import os

import lupa.lua54 as lupa

from llmspell import values
from llmspell.errors import (
    AccessDenied,
    BadArgument,
    LimitExceeded,
    LlmspellError,
    NotFound,
    ReadOnly,
    ScriptError,
    Timeout,
    by_code,
)  # fmt: skip
from llmspell.languages.deadline import Deadline
from llmspell.languages.language import Language, Limits, ScriptExit, Services
from llmspell.languages.luahook import LuaHook
from llmspell.surface.host import Host, fields_of
from llmspell.surface.model import CallbackFailed, Form, Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from llmspell.surface.model import Global

Raw = bytes | int | float | bool | None
PRELUDE = ("codec", "frozen", "coroutines", "binding", "printing", "globals", "script", "library")
"""The files of the prelude; each builds on those before it."""
SHORT_NAME_BYTES = 60
"""Lua's LUA_IDSIZE: so many bytes has the name of a chunk in its messages, with the closing NUL."""


class LuaWire:
    """Scalars cross as they are, with text as UTF-8 bytes; everything else as a MessagePack payload."""

    words = {
        "map": "table", "list": "table", "record": "table", "none": "nil", "callback": "function",
        "anything": "value", "payload": "value", "lasting_callback": "function",
        "definition": "table", "lasting": "table",
        "moment": "time (RFC 3339 text or Unix seconds)", "bytes": "string",
    }  # fmt: skip

    def __init__(self, fire: "Callable[[], None] | None") -> None:
        self.call_back: Callable[..., Any] | None = None
        self.prepare: Callable[[bytes], int] | None = None
        self.forms: dict[Form, int] = {}
        self.deadline = Deadline(fire)

    def scalar(self, raw: Raw) -> "Any":
        if type(raw) is bytes:
            try:
                return raw.decode()
            except UnicodeDecodeError:
                return raw
        return raw

    def text(self, otherwise: "Callable[[Any], Any]") -> "Callable[[Any], Any]":
        def read(raw: Raw) -> "Any":
            return raw.decode() if type(raw) is bytes and raw.isascii() else otherwise(raw)

        return read

    def payload(self, raw: bytes | None) -> bytes:
        return raw if raw is not None else NIL

    def definition(self, raw: bytes, callback: "Callable[[int], Any]") -> "Any":
        import msgpack

        def read(_code: int, data: bytes) -> "Any":
            return callback(int.from_bytes(data, "big", signed=True))

        # The codec of scripts writes extensions for functions and handles alone.
        return msgpack.unpackb(raw[1:], strict_map_key=False, raw=False, timestamp=1, ext_hook=read)

    def invoke(self, token: int, parts: tuple[str | bytes, ...], seconds: float, form: Form | None) -> bytes:
        assert self.call_back is not None
        prepared = 0 if form is None else self.forms.get(form) or self._prepare(form)
        # The first byte of a payload of MessagePack begins no text, which is how the prelude tells the two apart.
        arguments = [
            part.encode() if type(part) is str else part if part[0] == 0xC1 else values.to_msgpack(part)  # type: ignore[arg-type]
            for part in parts
        ]
        around = self.deadline.limit(seconds)
        try:
            result = self.call_back(token, prepared, *arguments)
        except lupa.LuaError as error:
            if self.deadline.is_passed:
                raise Timeout(f"the function ran longer than {seconds:g} s; all it changed is undone") from None
            raise CallbackFailed from error
        finally:
            self.deadline.restore(around)
        if not isinstance(result, bytes):
            raise CallbackFailed(result[1].decode(errors="replace") if isinstance(result, tuple) else "")
        return result

    def _prepare(self, form: Form) -> int:
        """Make of a form a function in Lua that takes the parts; its number."""
        assert self.prepare is not None
        count = 0

        def source(tree: "Any") -> str:
            nonlocal count
            if tree is Form.HOLE or tree is Form.TEXT:
                count += 1
                return f"open(a{count})" if tree is Form.HOLE else f"a{count}"
            if isinstance(tree, str):
                return '"' + "".join(f"\\{byte:03}" for byte in tree.encode()) + '"'
            return "{" + ",".join(f"[{source(name)}]={source(item)}" for name, item in tree.items()) + "}"

        made = source(form.tree)
        names = ",".join(f"a{number}" for number in range(1, count + 1))
        number = self.prepare(f"local open=... return function({names}) return {made} end".encode())
        self.forms[form] = number
        return number

    def reply(self, result: Type) -> "Callable[[Any], Any]":
        kind = result.kind
        if kind in ("none", "boolean", "integer", "number"):
            return _same
        if kind in ("string", "choice"):
            return lambda text: None if text is None else text.encode()
        if kind == "payload":
            return lambda payload: payload if payload is None or payload[0] == 0xC1 else values.to_msgpack(payload)
        write: Callable[[Any], Any] | None = None

        def structured(value: "Any") -> "Any":
            nonlocal write
            if value is None:
                return None
            if write is None:
                from llmspell.surface import reply

                write = reply.splitter(result) if kind == "record" else reply.msgpack_writer(result)
            return write(value)

        return structured

    def failure(self, error: LlmspellError) -> "tuple[None, bytes]":
        return None, values.encode(fields_of(error))

    def rethrow(self) -> "tuple[None, bool]":
        return None, True


NIL = values.MSGPACK + b"\xc0"


def _same(value: "Any") -> "Any":
    return value


class Lua(Language):
    name = "lua"
    first_index = 1
    suffixes = (".lua",)

    def __init__(self, globals_: "Sequence[Global]", limits: Limits, services: Services) -> None:
        self._services = services
        self._limits = limits
        self._script = ""
        self._modules: set[str] = set()
        self._globals = tuple(owner for owner in globals_ if self.name in owner.languages)
        self._hook = None if limits.instructions else LuaHook.load()
        self._wire = LuaWire(self._hook.fire if self._hook is not None else None)
        services.stop.bound = self._wire.deadline.end
        self._host = Host(self._wire, services.report_bug, services.stop)
        self._runtime = lupa.LuaRuntime(
            encoding=None,
            register_eval=False,
            register_builtins=False,
            unpack_returned_tuples=True,
            attribute_filter=_deny,
            max_memory=limits.memory or None,
        )
        host = self._runtime.table()
        for name in (
            "write",
            "readonly",
            "refuse",
            "denied",
            "module",
            "open",
            "getenv",
            "exit",
            "exhausted",
            "is_stopping",
            "is_late",
        ):
            host[name.encode()] = getattr(self, "_" + name)
        host[b"mistyped"] = lambda index, position, got: self._host.mistyped(index, position, got.decode())
        host[b"unstorable"] = lambda index, path, problem: self._host.unstorable(
            index, path.decode(errors="replace"), problem.decode()
        )
        config = self._runtime.table()
        config[b"instructions"] = limits.instructions
        config[b"can_hook"] = self._hook is not None
        config[b"stdlib"] = limits.stdlib.encode()
        parts = self._runtime.table()
        for part in PRELUDE:
            self._runtime.compile(_prelude(part), name=b"=[llmspell]")(host, config, parts)
        self._run, self._wire.call_back = parts[b"script"][b"run"], parts[b"binding"][b"invoke"]
        self._wire.prepare = parts[b"binding"][b"prepare"]
        if self._hook is not None:
            coroutines = parts[b"coroutines"]
            self._hook.attach(int(coroutines[b"cell"], 16), int(coroutines[b"main"], 16), coroutines[b"switch"])
        define, seal = parts[b"globals"][b"define"], parts[b"globals"][b"seal"]
        for owner in self._globals:
            for bound in self._host.bind(owner):
                names = self._runtime.table(*[name.encode() for name in bound.names])
                define(
                    bound.space.encode(), names, bound.kind.encode(), bound.call, bound.index, bound.slots.encode(),
                    bound.options.encode(), bound.is_structured, bound.required, bound.text_field.encode(), bound.handle.encode(),
                    bound.layout.encode(),
                )  # fmt: skip
        seal()

    def run(self, source: bytes, name: str, arguments: "Sequence[str]") -> bytes:
        self._script = name
        self._modules = {name}
        stop = self._services.stop
        if stop.reason is not None:
            raise stop.reason
        if source.startswith(b"#"):
            source = b"--" + source
        self._is_running = True
        try:
            table = self._runtime.table(*[os.fsencode(argument) for argument in arguments])
            ok, payload = self._run(_text_of(source, name), os.fsencode(name), table)
            stop.finish()
        except lupa.LuaError as error:
            if stop.reason is None:
                raise self._lua_error(error) from None
            ok, payload = False, values.encode({"message": "stopped", "stack": []})
        finally:
            self._is_running = False
        if stop.reason is not None:
            raise stop.reason
        if ok:
            return bytes(payload)
        raise self._script_error(values.decode(payload))

    def interrupt(self, reason: "LlmspellError | ScriptExit") -> None:
        if self._hook is None:
            self._services.stop.request(reason)
        else:
            self._services.stop.request(reason, self._hook.fire)
            _thread.start_new_thread(self._insist, (self._hook.fire,))

    def close(self) -> None:
        if self._hook is not None:
            self._hook.detach()
        self._wire.call_back = self._wire.prepare = None
        self._wire.deadline.close()

    @classmethod
    def mechanisms(cls) -> dict[str, str]:
        stops = (
            "on demand, free of cost until used"
            if LuaHook.load() is not None
            else "polled every 10,000 instructions, about 2 times slower (lua_sethook cannot be reached here)"
        )
        return {
            "engine": "Lua {}.{} (lupa)".format(*lupa.LUA_VERSION),
            "interrupts": stops,
            "memory": "limited by the allocator",
        }

    def _lua_error(self, error: lupa.LuaError) -> LlmspellError:
        if isinstance(error, lupa.LuaMemoryError):
            return self._out_of_memory()
        text = str(error).encode("latin-1", "replace").decode("utf-8", "replace")
        return ScriptError(text.partition("\nstack traceback:")[0], file=self._script)

    def _out_of_memory(self) -> LimitExceeded:
        size = self._limits.memory / 1048576
        return LimitExceeded(
            f"the script needs more than its memory limit of {size:g} MiB", hint="raise memory_limit in [engines.lua]"
        )

    def _script_error(self, report: "dict[str, Any]") -> LlmspellError:
        message = _word(report["message"])
        if message.startswith("[llmspell]:"):
            message = message.partition(": ")[2]  # a function of Lua's own that the prelude wraps
        if message == "not enough memory" or message.endswith(": not enough memory"):
            return self._out_of_memory()
        stack = [(_word(frame["file"]), int(frame["line"]), _word(frame["name"])) for frame in report.get("stack", ())]
        file, line = (stack[0][0], stack[0][1]) if stack else (self._script, 0)
        if "code" not in report and not report.get("value"):
            files = {entry[0] for entry in stack} | self._modules
            file, line, message = split_position(message, file, line, files)
        code = _word(report.get("code", "script"))
        status = by_code()[code].exit_status if code in by_code() else 1
        return ScriptError(
            message, code=code, hint=_word(report.get("hint", "")), call=_word(report.get("call", "")), file=file, line=line,
            exit_status=1 if code == "not_found" else status,
            stack=tuple(f"{file}:{line} in {name}" for file, line, name in stack),
        )  # fmt: skip

    def _write(self, stream: int, data: bytes) -> None:
        self._services.write(stream, data)

    def _readonly(self, name: Raw) -> "Any":
        return self._wire.failure(ReadOnly(f"{_word(name)} is read-only; give your own variable another name"))

    def _refuse(self, call: bytes, message: bytes) -> "Any":
        return self._wire.failure(BadArgument(message.decode(errors="replace"), call=call.decode()))

    def _denied(self, call: bytes, grant: bytes) -> "Any":
        return self._wire.failure(
            AccessDenied(
                "is not granted to this script", call=call.decode(), hint=f"what would grant it: {grant.decode()}"
            )
        )

    def _module(self, name: Raw, importer: bytes) -> "Any":
        try:
            if not isinstance(name, bytes):
                raise BadArgument("name (argument 1) must be a string", call="require")
            path = name.decode(errors="replace")
            if "/" not in path:
                path = path.replace(".", "/")
            found, text = self._services.grants.module(
                path, os.fsdecode(importer) or self._script, self._script, self.suffixes
            )
            self._modules.add(found)
            return os.fsencode(found), _text_of(text, found)
        except (NotFound, AccessDenied, BadArgument, ScriptError) as error:
            error.call = error.call or "require"
            return (None, *self._wire.failure(error))

    def _open(self, path: Raw) -> "Any":
        try:
            return os.fsencode(
                self._services.grants.check_open(os.fsdecode(path if isinstance(path, bytes) else str(path)))
            )
        except LlmspellError as error:
            return self._wire.failure(error)

    def _getenv(self, name: Raw) -> bytes | None:
        value = self._services.grants.variable(os.fsdecode(name)) if isinstance(name, bytes) else None
        return None if value is None else os.fsencode(value)

    def _exit(self, status: Raw) -> "Any":
        if isinstance(status, float) and status.is_integer():
            status = int(status)
        if not isinstance(status, int) or not 0 <= status <= 255:
            return self._wire.failure(BadArgument(f"status must be 0 to 255, got {_word(status)}", call="os.exit"))
        self._services.stop.part()
        self.interrupt(ScriptExit(int(status)))
        return None

    def _exhausted(self) -> None:
        limit = self._limits.instructions
        self._services.stop.request(
            LimitExceeded(
                f"the script ran more than {limit} instructions", hint="raise max_instructions in [engines.lua]"
            )
        )

    def _is_late(self) -> bool:
        return self._wire.deadline.is_passed

    def _is_stopping(self) -> bool:
        return self._services.stop.reason is not None


def split_position(message: str, file: str, line: int, files: set[str]) -> tuple[str, int, str]:
    """Lua's `file:line: message` in its parts; the frame's own position where the message has none."""
    for name in files:
        shown = shorten(name)
        if message.startswith(shown + ":"):
            number, colon, rest = message[len(shown) + 1 :].partition(":")
            if colon and number.isascii() and number.isdigit() and len(number) < 10:
                return name, int(number), rest.strip()
    return file, line, message


def shorten(name: str) -> str:
    """A file's name as Lua writes it in messages: of a long one, the end."""
    raw = os.fsencode(name)
    if len(raw) < SHORT_NAME_BYTES:
        return name
    return "..." + raw[-(SHORT_NAME_BYTES - 4) :].decode(errors="replace")


def _text_of(source: bytes, name: str) -> bytes:
    if source.startswith(b"\x1bLua"):
        raise ScriptError("this is Lua byte-code; only source text runs", file=name)
    return source


def _word(raw: Raw) -> str:
    return raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)


def _deny(_object: object, name: object, _is_setting: bool) -> object:
    raise AttributeError(name)


def _prelude(part: str) -> bytes:
    with open(os.path.join(os.path.dirname(__file__), "prelude", part + ".lua"), "rb") as file:
        return file.read()
