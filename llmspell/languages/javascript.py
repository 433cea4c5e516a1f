"""JavaScript through quickjs-ng: only strings, small integers and booleans cross; values as JSON text with tags."""

import _thread
import os

from _quickjs import JSException

from llmspell import values
from llmspell.errors import (
    BadArgument,
    LimitExceeded,
    LlmspellError,
    NotEnabled,
    ReadOnly,
    ScriptError,
    Timeout,
    by_code,
)
from llmspell.languages.deadline import Deadline
from llmspell.languages.language import Language, Limits, ScriptExit, Services
from llmspell.languages.quickjs import Engine
from llmspell.surface.host import Host, fields_of
from llmspell.surface.model import CallbackFailed, Form, Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from llmspell.surface.model import Global

PRELUDE = ("base", "codec", "printing", "frozen", "binding", "globals", "script")
"""The files of the prelude; each is a function that gets what the files before it gave."""
UNSEEN_BYTES = 2 << 20
"""What small objects may take between two looks at the memory. Of larger ones that do not fit, the engine's own error tells."""
STACK_BYTES = 4 << 20
"""How deep JavaScript may recurse: half of the usual 8 MiB of a thread's C stack, so that the engine's check comes first."""


class JavaScriptWire:
    """Every argument crosses as JSON text, null as None; a leading tab says that the text holds tags."""

    words = {
        "map": "object", "list": "array", "record": "object", "none": "null", "callback": "function",
        "anything": "value", "payload": "value", "lasting_callback": "function",
        "definition": "object", "lasting": "object",
        "moment": "time (RFC 3339 text or Unix seconds)", "bytes": "Uint8Array",
    }  # fmt: skip

    def __init__(self) -> None:
        self.call_back: Any = None
        self.prepare: Any = None
        self.hurry: Callable[[], None] = lambda: None
        self.forms: dict[Form, int] = {}
        self.deadline = Deadline(lambda: self.hurry())

    def scalar(self, raw: "str | None") -> "Any":
        if raw is None:
            return None
        if raw[0] == '"' and "\\" not in raw:
            return raw[1:-1]
        if raw.isdigit() and len(raw) < 16:
            return int(raw)
        return values.decode(self.payload(raw))

    def text(self, otherwise: "Callable[[Any], Any]") -> "Callable[[Any], Any]":
        def read(raw: "str | None") -> "Any":
            if raw is not None and raw[0] == '"' and raw.isascii() and "\\" not in raw:
                return raw[1:-1]
            return otherwise(raw)

        return read

    def payload(self, raw: "str | None") -> bytes:
        if raw is None:
            return NULL
        if raw[0] == "\t":
            return raw.encode()
        return b" " + raw.encode()

    def definition(self, raw: str, callback: "Callable[[int], Any]") -> "Any":
        def read(item: "Any") -> "Any":
            if type(item) is dict:
                # No object of JavaScript has a key that is a number: that is how the prelude writes a function or a handle.
                return callback(item[0]) if 0 in item else {name: read(part) for name, part in item.items()}
            return [read(part) for part in item] if type(item) is list else item

        return read(values.decode(self.payload(raw)))

    def invoke(self, token: int, parts: tuple[str | bytes, ...], seconds: float, form: Form | None) -> bytes:
        prepared = 0 if form is None else self.forms.get(form) or self._prepare(form)
        # Text crosses as it is where it can be told from a payload, and where the engine takes all of it.
        texts = [
            (part if part >= "!" and part.isprintable() else values.dump_json(part).decode())
            if type(part) is str
            else None
            if part == NIL
            else (part if part[0] == 0x20 else values.to_json(part)).decode()  # type: ignore[arg-type,union-attr]
            for part in parts
        ]
        around = self.deadline.limit(seconds)
        try:
            text = self.call_back(token, prepared, *texts)
        except JSException:
            text = ""
        finally:
            is_late = seconds and self.deadline.is_passed
            self.deadline.restore(around)
        if text[:1] in ("", "!"):
            if is_late:
                raise Timeout(f"the function ran longer than {seconds:g} s; all it changed is undone")
            raise CallbackFailed(values.decode(self.payload(text[1:]))["message"] if text else "")
        return self.payload(text)

    def _prepare(self, form: Form) -> int:
        """Make of a form a function in JavaScript that takes the parts; its number."""
        count = 0

        def source(tree: "Any") -> str:
            nonlocal count
            if tree is Form.HOLE or tree is Form.TEXT:  # text may cross as a payload too
                count += 1
                return f"open(a{count})"
            if isinstance(tree, str):
                return values.dump_json(tree).decode()[1:]
            # Only in brackets `__proto__` is a name like any other; there every name takes longer.
            names = {name: '["__proto__"]' if name == "__proto__" else source(name) for name in tree}
            return "{" + ",".join([f"{names[name]}:{source(item)}" for name, item in tree.items()]) + "}"

        made = source(form.tree)
        names = ",".join(f"a{number}" for number in range(1, count + 1))
        number: int = self.prepare(f"return ({names}) => ({made})")
        self.forms[form] = number
        return number

    def reply(self, result: Type) -> "Callable[[Any], Any]":
        kind = result.kind
        if kind in ("none", "boolean"):
            return _same
        if kind == "payload":
            return lambda payload: None if payload is None else values.to_json(payload).decode()
        if kind in ("integer", "number", "string", "choice"):
            return lambda value: None if value is None else values.dump_json(value).decode()
        write: Callable[[Any], str] | None = None

        def structured(value: "Any") -> str | None:
            nonlocal write
            if value is None:
                return None
            if write is None:
                from llmspell.surface.reply import json_writer

                write = json_writer(result)
            return write(value)

        return structured

    def failure(self, error: LlmspellError) -> str:
        text = values.dump_json(fields_of(error))
        return "!" + text.decode().strip()

    def rethrow(self) -> str:
        return "!"


NULL = values.JSON + b"null"
NIL = values.MSGPACK + b"\xc0"


def _same(value: "Any") -> "Any":
    return value


class JavaScript(Language):
    name = "javascript"
    suffixes = (".js", ".mjs")

    def __init__(self, globals_: "Sequence[Global]", limits: Limits, services: Services) -> None:
        self._services = services
        self._limits = limits
        self._script = ""
        self._main_source: bytes | None = None
        self._wire = JavaScriptWire()
        stop = services.stop
        stop.bound = self._wire.deadline.end
        self._host = Host(self._wire, services.report_bug, stop)
        self._engine = Engine(self._resolve, self._load, self._expression, self._must_stop, _stack_bytes())
        self._wire.hurry = self._engine.hurry
        context = self._context = self._engine.context
        if limits.memory:
            context.set_memory_limit(limits.memory)
        for name, function in (
            ("write", self._write),
            ("readonly", self._readonly),
            ("exit", self._exit),
            ("mistyped", self._host.mistyped),
            ("unstorable", self._unstorable),
            ("is_stopping", lambda: stop.reason is not None),
        ):
            context.add_callable("__host_" + name, function)
        texts = ",".join([_prelude(part) for part in PRELUDE])
        context.eval(f"globalThis.__prelude = [{texts}].reduce((parts, part) => (part(parts), parts), {{}}); 0")
        parts = {}
        for part in (
            "globals.define",
            "globals.seal",
            "binding.invoke",
            "binding.prepare",
            "script.begin",
            "script.watch",
            "script.watchModule",
            "script.result",
            "script.unhandled",
        ):
            parts[part.partition(".")[2]] = context.eval(f"__prelude.{part}")
        context.eval("delete globalThis.__prelude; 0")
        self._begin, self._watch, self._watch_module = parts["begin"], parts["watch"], parts["watchModule"]
        self._result, self._unhandled = parts["result"], parts["unhandled"]
        self._wire.call_back = self._engine.inside(parts["invoke"])
        self._wire.prepare = self._engine.inside(parts["prepare"])
        for owner in globals_:
            if self.name in owner.languages:
                self._define(parts["define"], owner)
        parts["seal"]()

    def _define(self, define: "Any", owner: "Global") -> None:
        for bound in self._host.bind(owner):
            key = f"__call_{bound.index}"
            self._context.add_callable(key, bound.call)
            names = '["' + '","'.join(bound.names) + '"]'
            define(
                bound.space, names, bound.kind, key, bound.index, bound.slots, bound.options, bound.required,
                bound.text_field, bound.handle,
            )  # fmt: skip

    def run(self, source: bytes, name: str, arguments: "Sequence[str]") -> bytes:
        self._script = name
        stop = self._services.stop
        if source.startswith(b"#!"):
            source = b"//" + source
        if b"\0" in source:
            raise ScriptError("the script has a NUL byte", file=name)
        try:
            source.decode()
        except UnicodeDecodeError as error:
            line = source.count(b"\n", 0, error.start) + 1
            raise ScriptError("the script is not valid UTF-8", file=name, line=line) from None
        self._is_running = True
        try:
            # Without arguments the JSON module need not be imported, which costs 4 ms.
            texts = [_printable(argument) for argument in arguments]
            self._begin(values.dump_json(texts).decode() if texts else "[]")
            self._start(source, name)
            self._settle_promises()
            stop.finish(self._settle_promises)
            outcome: str = self._result() if stop.reason is None else ""
            if stop.reason is None and not outcome.startswith("-") and (lost := self._unhandled()):
                outcome = "-" + lost
        except JSException as error:
            if stop.reason is not None:
                raise stop.reason from None
            raise self._from_exception(str(error)) from None
        finally:
            self._is_running = False
        if stop.reason is not None:
            raise stop.reason
        if outcome.startswith("+"):
            return self._wire.payload(outcome[1:])
        if not outcome:
            raise ScriptError(
                "the script waits for a promise that nothing can settle any more",
                hint="every promise must be resolved or rejected by the script itself",
                file=name,
            )
        raise self._script_error(outcome[1:])

    def _settle_promises(self) -> None:
        while self._services.stop.reason is None and self._context.execute_pending_job():
            pass

    def _start(self, source: bytes, name: str) -> None:
        """Run the text as a script, or as a module when it is one."""
        is_module = name.endswith(".mjs") or (not self._engine.compiles(source, name) and _has_module_syntax(source))
        if is_module:
            self._main_source = source
            self._watch_module(os.path.abspath(name))
        else:
            self._main_source = None
            self._engine.start_script(source, name)
            if self._services.stop.reason is None:
                self._watch()

    def interrupt(self, reason: "LlmspellError | ScriptExit") -> None:
        self._services.stop.request(reason, self._engine.hurry)
        _thread.start_new_thread(self._insist, (self._engine.hurry,))

    def close(self) -> None:
        self._wire.call_back = self._wire.prepare = None
        self._wire.deadline.close()
        self._engine.close()

    @classmethod
    def mechanisms(cls) -> dict[str, str]:
        try:
            Engine.libraries()
        except OSError as error:
            return {"engine": f"quickjs-ng, but unusable here: {error}"}
        return {
            "engine": "quickjs-ng",
            "interrupts": "on demand, free of cost until used",
            "memory": "limited by the engine",
        }

    def _resolve(self, name: str, importer: str) -> str:
        if self._main_source is not None and name == os.path.abspath(self._script):
            return name
        if not self._limits.modules:
            raise NotEnabled("modules are off", hint="set modules = true in [engines.javascript]", call="import")
        try:
            path, _ = self._services.grants.module(name, importer or self._script, self._script, (".js", ".mjs"))
        except LlmspellError as error:
            error.call = "import"
            raise
        return os.path.abspath(path)

    def _load(self, path: str) -> bytes:
        if self._main_source is not None and path == os.path.abspath(self._script):
            return self._main_source
        return self._services.grants.module(path, self._script, self._script, ())[1]

    def _expression(self, error: BaseException) -> str:
        if not isinstance(error, LlmspellError):
            self._services.report_bug(error)
            return "new Error('internal error while loading a module')"
        return f"new ScriptError({{__proto__: null, {self._wire.failure(error)[2:]})"

    def _write(self, stream: int, text: str) -> None:
        if self._services.stop.reason is None:
            self._services.write(stream, self._wire.scalar(text).encode(errors="replace"))

    def _readonly(self, name: str) -> str:
        return self._wire.failure(ReadOnly(f"{name} is read-only; give your own variable another name"))

    def _must_stop(self) -> bool:
        return self._services.stop.reason is not None or self._wire.deadline.is_passed

    def _exit(self, number: str, shown: str) -> str | None:
        status = int(number)
        if not 0 <= status <= 255:
            return self._wire.failure(BadArgument(f"status must be 0 to 255, got {shown}", call="exit"))
        self._services.stop.part()
        self.interrupt(ScriptExit(status))
        return None

    def _unstorable(self, index: int, path: str, problem: str) -> "Any":
        return self._host.unstorable(index, self._wire.scalar(path), problem)

    def _from_exception(self, text: str) -> LlmspellError:
        message, _, stack = text.partition("\n")
        return self._script_error(values.dump_json({"message": message, "stack": stack}).decode())

    def _script_error(self, text: str) -> LlmspellError:
        report = values.decode(self._wire.payload(text))
        message: str = report["message"]
        name = report.get("name", "")
        if message.startswith("out of memory") and name == "InternalError":
            return self._out_of_memory("the script needs more than its memory limit of")
        is_null = message == "null" and self._engine.has_used(self._limits.memory // 2 - UNSEEN_BYTES)
        if (is_null or message == "[uninitialized]") and not name and self._limits.memory:
            return self._out_of_memory("the script threw null, as the engine does when it reaches the memory limit of")
        frames = [frame for line in str(report["stack"]).split("\n") if (frame := parse_frame(line))]
        file, line, column = frames[0][:3] if frames else (self._script, 0, 0)
        code = str(report.get("code", "script"))
        if name and name not in ("Error", "ScriptError"):
            message = f"{name}: {message}"
        call = str(report.get("call", ""))
        status = by_code()[code].exit_status if code in by_code() else 1
        return ScriptError(
            message.removeprefix(call + ": "), code=code, hint=str(report.get("hint", "")), call=call, file=file, line=line,
            column=column, exit_status=1 if code == "not_found" else status,
            stack=tuple(f"{file}:{line}:{column} in {name}" for file, line, column, name in frames),
        )  # fmt: skip

    def _out_of_memory(self, what: str) -> LimitExceeded:
        size = self._limits.memory / 1048576
        return LimitExceeded(f"{what} {size:g} MiB", hint="raise memory_limit in [engines.javascript]")


def parse_frame(line: str) -> tuple[str, int, int, str] | None:
    """File, line, column and function of one line of a stack (`    at f (file:3:6)`)."""
    head, _, place = line.strip().removeprefix("at ").rpartition("(")
    parts = place.rstrip(")").rsplit(":", 2)
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts[1:]):
        return None
    name = head.strip()
    return parts[0], int(parts[1]), int(parts[2]), name if name and name != "<eval>" else "the script"


def _has_module_syntax(source: bytes) -> bool:
    """Whether a line begins with `import` or `export`: asked only of a text that is no correct script."""
    import re

    return re.search(rb"^\s*(import|export)\b", source, re.MULTILINE) is not None


def _printable(text: str) -> str:
    return text.encode(errors="surrogateescape").decode(errors="replace")


def _stack_bytes() -> int:
    import resource

    size, _ = resource.getrlimit(resource.RLIMIT_STACK)
    if size == resource.RLIM_INFINITY:
        import threading

        is_main = threading.current_thread() is threading.main_thread()
        size = 2 * STACK_BYTES if is_main else 2 << 20  # without a limit, glibc gives a thread 2 MiB
    return min(STACK_BYTES, size // 2, (_thread.stack_size() or size) // 2)


def _prelude(part: str) -> str:
    with open(os.path.join(os.path.dirname(__file__), "prelude", part + ".js"), encoding="utf-8") as file:
        return file.read()
