"""`Result`: what a hook returned, read and checked."""

from llmspell import values
from llmspell.errors import BadValue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NOTHING = frozenset(
    (b"\xc1\xc0", b" null", b"\tnull", b"\xc1\xa8continue", b' "continue"', b"\xc1\xa4skip", b' "skip"', b'\t"skip"')
)
"""The payloads of the most usual results, which need not be decoded: go on as if the hook had not been."""

MAX_ATTEMPTS = 100
MAX_DELAY_MS = 60_000
DEFAULT_ATTEMPTS = 3

_KINDS = {
    "continue": "continue", "modified": "modified", "modify": "modified", "cancel": "cancel", "redirect": "redirect",
    "replace": "replace", "retry": "retry", "skipped": "skip", "skip": "skip", "cache": "cache",
}  # fmt: skip


class Result:
    """One result: its `kind` is one of `points.KINDS`, and of the rest what belongs to that kind is set."""

    __slots__ = ("attempts", "data", "delay", "kind", "reason", "target", "ttl")

    def __init__(self, kind: str, *, reason: str = "") -> None:
        self.kind = kind
        self.reason = reason
        self.data: Any = None
        """modified: the fields; replace: the value."""
        self.target: tuple[str | None, str] = (None, "")
        """redirect: scope, None for the same, and key."""
        self.delay = 0.0
        """retry: seconds."""
        self.attempts = DEFAULT_ATTEMPTS
        self.ttl = 0.0
        """cache: seconds."""


CONTINUE = Result("continue")


def read(payload: bytes, *, is_told: bool = False) -> Result:
    """The result that a payload says; raises BadValue, with a sentence about the hook, for what is none.

    From a hook that is only told what has happened (`is_told`), a number, a boolean or a list is nothing: many a function
    returns what its last expression happens to be.
    """
    if payload in NOTHING:
        return CONTINUE
    value = values.decode(payload)
    if isinstance(value, str):
        return Result(value) if value in ("continue", "skip") else Result("cancel", reason=value)
    if is_told and not isinstance(value, dict):
        return CONTINUE
    if not isinstance(value, dict):
        raise BadValue(f"it returned {_told(value)}; a hook returns nothing, text, or a map with a type")
    kind = _KINDS.get(value.get("type", "")) if isinstance(value.get("type"), str) else None
    if kind is None:
        told = f"whose type is {value['type']!r}" if "type" in value else "without a type"
        known = "continue, modified, cancel, redirect, replace, retry, skipped, cache"
        raise BadValue(f"it returned a map {told}; the types are {known}")
    result = Result(kind)
    if kind == "modified":
        result.data = value.get("data")
        if not isinstance(result.data, dict) or not all(isinstance(name, str) for name in result.data):
            raise BadValue("its result is modified, but 'data' is no map of the fields that are to change")
    elif kind == "replace":
        result.data = value.get("data")
    elif kind in ("cancel", "skip"):
        result.reason = _text(value, "reason")
    elif kind == "redirect":
        result.target = _target(value.get("target"))
    elif kind == "retry":
        result.delay = _number(value, "delay_ms", 0, MAX_DELAY_MS) / 1000
        result.attempts = int(_number(value, "max_attempts", DEFAULT_ATTEMPTS, MAX_ATTEMPTS))
    elif kind == "cache":
        result.ttl = _number(value, "ttl", None, 10**9)
    return result


def _target(target: "Any") -> tuple[str | None, str]:
    if isinstance(target, str):
        return None, target
    if isinstance(target, dict) and isinstance(target.get("key"), str):
        scope = target.get("scope")
        if scope is None or isinstance(scope, str):
            return scope, target["key"]
    raise BadValue("its result is redirect, but 'target' is neither a key nor a map of scope and key")


def _text(value: "dict[str, Any]", name: str) -> str:
    text = value.get(name, "")
    if text is None:
        return ""
    if not isinstance(text, str):
        raise BadValue(f"its result is {value['type']}, but '{name}' is {_told(text)} instead of text")
    return text


def _number(value: "dict[str, Any]", name: str, default: float | None, highest: float) -> float:
    number = value.get(name, default)
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= highest:
        raise BadValue(f"its result is {value['type']}, but '{name}' is no number from 0 to {highest:g}")
    return number


def _told(value: "Any") -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", list: "a list", bytes: "bytes"}
    return names.get(type(value), type(value).__name__)
