"""Engines for tests: a script in, its value or its error out, with the clock running."""

import json
import threading
import time
from pathlib import Path
from typing import Any

from llmspell.config import load
from llmspell.errors import Interrupted, LlmspellError
from llmspell.languages.language import ScriptExit
from llmspell.runtime import Runtime
from llmspell.values import decode

SUFFIX = {"lua": ".lua", "javascript": ".js"}


def open_runtime(**overrides: object) -> Runtime:
    """A runtime in memory; `__` in a name stands for a dot."""
    given = {name.replace("__", "."): value for name, value in overrides.items()}
    return Runtime(load(environ={}, cwd="/nonexistent", overrides=given))


class Ran:
    """How a script ended: `value`, or `error` (a ScriptExit too), after `seconds`."""

    def __init__(self, value: Any, error: "LlmspellError | ScriptExit | None", seconds: float) -> None:
        self.value = value
        self.error = error
        self.seconds = seconds

    @property
    def code(self) -> str:
        """The error's code; `exit`, or nothing."""
        return getattr(self.error, "code", "exit" if self.error is not None else "")

    @property
    def text(self) -> str:
        return str(self.error)


class Engine:
    """One language on a runtime of its own. `set` before the first `run` changes its configuration."""

    def __init__(self, language: str, folder: Path) -> None:
        self.language = language
        self.folder = folder
        self.path = folder / f"script{SUFFIX[language]}"
        self._overrides: dict[str, object] = {}
        self._runtime: Runtime | None = None

    @property
    def is_lua(self) -> bool:
        return self.language == "lua"

    @property
    def runtime(self) -> Runtime:
        if self._runtime is None:
            self._runtime = open_runtime(**self._overrides)
        return self._runtime

    def set(self, **overrides: object) -> "Engine":
        self.close()
        self._overrides.update(overrides)
        return self

    def full(self) -> "Engine":
        """Everything of the library, and all files."""
        return self.set(engines__lua__stdlib="full", runtime__security__allow_file_access=True)

    def run(self, source: str, *args: str, stop_after: float | None = None) -> Ran:
        """Run a script; with `stop_after`, interrupt it after that many seconds."""
        runtime = self.runtime
        timer = None
        if stop_after is not None:
            timer = threading.Timer(stop_after, runtime.interrupt, [Interrupted("interrupted")])
            timer.start()
        started = time.perf_counter()
        try:
            payload = runtime.run(source.encode(), name=str(self.path), args=args)
            return Ran(decode(payload), None, time.perf_counter() - started)
        except (LlmspellError, ScriptExit) as error:
            return Ran(None, error, time.perf_counter() - started)
        finally:
            if timer is not None:
                timer.cancel()
                timer.join()

    def latency(self, source: str, stop_after: float = 0.05) -> float:
        """The seconds from an interrupt to the end of a script that never ends by itself."""
        ran = self.run(source, stop_after=stop_after)
        assert ran.code == "interrupted", (ran.value, ran.text)
        return ran.seconds - stop_after

    def close(self) -> None:
        if self._runtime is not None:
            self._runtime.close()
            self._runtime = None


def literal(value: Any, language: str) -> str:
    """The text of an expression that makes `value` inside the engine, exactly."""
    return _lua(value) if language == "lua" else _javascript(value)


def _lua(value: Any) -> str:
    if value is None:
        return "JSON.null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return "math.mininteger" if value == -(2**63) else str(value)
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, (str, bytes)):
        raw = value.encode() if isinstance(value, str) else value
        return '"' + "".join(f"\\{byte:03}" for byte in raw) + '"'
    if isinstance(value, list):
        return "JSON.array{" + ", ".join(map(_lua, value)) + "}"
    return "{" + ", ".join(f"[{_lua(key)}] = {_lua(item)}" for key, item in value.items()) + "}"


def _javascript(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}n" if abs(value) > 2**53 else str(value)
    if isinstance(value, (float, str)):
        return json.dumps(value)
    if isinstance(value, bytes):
        return "new Uint8Array([" + ",".join(map(str, value)) + "])"
    if isinstance(value, list):
        return "[" + ", ".join(map(_javascript, value)) + "]"
    return "{" + ", ".join(f"[{json.dumps(key)}]: {_javascript(item)}" for key, item in value.items()) + "}"


SAME = {
    "lua": """
local function same(a, b)
  if math.type(a) ~= math.type(b) or type(a) ~= type(b) then return false end
  if type(a) ~= "table" or a == b then return a == b and (a ~= 0 or math.type(a) == "integer" or 1 / a == 1 / b) end
  if next(a) == nil and getmetatable(a) ~= getmetatable(b) then return false end
  for key, item in pairs(a) do if not same(item, b[key]) then return false end end
  for key in pairs(b) do if a[key] == nil then return false end end
  return true
end
""",
    "javascript": """
const same = (a, b) => {
  if (typeof a !== 'object' || a === null || b === null) return Object.is(a, b)
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  const keys = Object.keys(a), others = Object.keys(b)
  return keys.length === others.length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]))
}
""",
}
"""`same(a, b)` in either language: equal to the type of each number, the mark of an empty list, and the sign of zero."""


def identical(one: Any, other: Any) -> bool:
    """The same value, to the type of each number and the sign of zero; the order of a dict does not count."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(identical, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            identical(item, other[key]) and type(key) in {type(k) for k in other if k == key}
            for key, item in one.items()
        )
    if isinstance(one, float):
        return one.hex() == float(other).hex()
    return bool(one == other)
