"""Scopes: namespaces of keys."""

from llmspell.errors import BadArgument, InvalidScope
from llmspell.storage import keys

KINDS_WITH_ID = ("agent", "workflow", "session", "user", "tool", "hook")
PLAIN_KINDS = ("global", "system")
MAX_BYTES = keys.MAX_SCOPE_AND_KEY_BYTES - 1
"""One byte of key must still fit."""

_CACHE_SIZE = 4096
_cache: "dict[str, Scope]" = {}
known = _cache.get
"""The scope of a text that has been parsed before, or None: what `Scope.parse` begins with."""


class Scope:
    """A namespace of keys, isolated from every other. Equal when the texts are equal.

    `text` is the canonical form: a custom scope is its bare name, unless that name alone would mean another scope
    (`custom:global` is not `global`). `kind` is global, system, agent, workflow, step, session, user, tool, hook or
    custom; `name` is what follows the kind. `prefix` is what the keys of its records begin with.

    >>> Scope.agent("ada"), Scope.parse("step:build:test").kind, Scope.custom("cache").text
    (Scope('agent:ada'), 'step', 'cache')
    """

    __slots__ = ("kind", "name", "prefix", "text")

    def __init__(self, kind: str, name: str, text: str) -> None:
        self.kind = kind
        self.name = name
        self.text = text
        self.prefix = keys.scope_prefix(text)

    @staticmethod
    def parse(text: "str | Scope") -> "Scope":
        """The scope that `text` names; raises InvalidScope. A Scope is returned as it is."""
        scope = _cache.get(text) if type(text) is str else None
        if scope is None:
            if isinstance(text, Scope):
                return text
            scope = _parse(text)
            if len(_cache) >= _CACHE_SIZE:
                _cache.clear()
            _cache[text] = scope
        return scope

    @classmethod
    def global_(cls) -> "Scope":
        return cls.parse("global")

    @classmethod
    def system(cls) -> "Scope":
        return cls.parse("system")

    @classmethod
    def agent(cls, id: str) -> "Scope":
        return cls.parse(f"agent:{id}")

    @classmethod
    def user(cls, id: str) -> "Scope":
        return cls.parse(f"user:{id}")

    @classmethod
    def session(cls, id: str) -> "Scope":
        return cls.parse(f"session:{id}")

    @classmethod
    def workflow(cls, id: str) -> "Scope":
        return cls.parse(f"workflow:{id}")

    @classmethod
    def step(cls, workflow: str, step: str) -> "Scope":
        """Raises InvalidScope also when the workflow's id holds a colon: the text could not be told apart."""
        if ":" in workflow:
            raise InvalidScope(f"the workflow '{workflow}' of a step scope must not hold a colon")
        return cls.parse(f"step:{workflow}:{step}")

    @classmethod
    def tool(cls, name: str) -> "Scope":
        return cls.parse(f"tool:{name}")

    @classmethod
    def hook(cls, name: str) -> "Scope":
        return cls.parse(f"hook:{name}")

    @classmethod
    def custom(cls, name: str) -> "Scope":
        return cls.parse(f"custom:{name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scope) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Scope({self.text!r})"


def has_control_character(text: str) -> bool:
    """Whether `text` holds a C0 or C1 control character or DEL."""
    if text.isascii() and text.isprintable():
        return False
    return any(char < " " or "\x7f" <= char <= "\x9f" for char in text)


def is_utf8(text: str) -> bool:
    """Whether `text` can be written as UTF-8; a lone surrogate cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parse(text: str) -> Scope:
    if not isinstance(text, str):
        raise BadArgument(f"a scope must be text, got {type(text).__name__}")
    if not text:
        raise InvalidScope("the scope is empty", hint="use 'global', 'agent:<id>', 'user:<id>' or a name of your own")
    if not is_utf8(text):
        raise InvalidScope("the scope is not valid Unicode text (it holds a lone surrogate)")
    if has_control_character(text):
        raise InvalidScope(f"the scope {text[:60]!r} holds a control character")
    scope = _classify(text)
    if len(scope.prefix) - 2 > MAX_BYTES:
        raise InvalidScope(f"the scope '{text[:40]}…' has {len(scope.prefix) - 2} bytes, the limit is {MAX_BYTES}")
    return scope


def _classify(text: str) -> Scope:
    kind, colon, name = text.partition(":")
    if not colon:
        return Scope(text if text in PLAIN_KINDS else "custom", "" if text in PLAIN_KINDS else text, text)
    if kind in PLAIN_KINDS:
        raise InvalidScope(f"the scope '{kind}' has no parts, so '{text}' names none", hint=f"use '{kind}'")
    if kind in KINDS_WITH_ID or kind == "custom":
        if not name:
            raise InvalidScope(f"the scope '{text}' lacks the name after the colon")
        if kind == "custom":
            return Scope(kind, name, name if _is_custom_name(name) else text)
        return Scope(kind, name, text)
    if kind == "step":
        workflow, _, step = name.partition(":")
        if not workflow or not step:
            raise InvalidScope(f"the scope '{text}' must name workflow and step", hint="use 'step:<workflow>:<step>'")
        return Scope(kind, name, text)
    return Scope("custom", text, text)


def _is_custom_name(name: str) -> bool:
    """Whether the bare `name` means the custom scope of that name."""
    kind = name.partition(":")[0]
    return name not in PLAIN_KINDS and (kind == name or kind not in (*PLAIN_KINDS, *KINDS_WITH_ID, "step", "custom"))
