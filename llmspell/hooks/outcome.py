"""`Outcome`: what the hooks of a point have decided together."""

from llmspell import values
from llmspell.hooks.context import decode_fields
from llmspell.hooks.result import Result

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from llmspell.hooks.context import Fields


class Outcome:
    """`kind` is continue, cancel or replace; `hook` is the name of the hook that said the latter two, `reason` why.

    `fields` is the data of the context as the hooks have left it, `changed` the names of the fields that they changed.
    """

    __slots__ = ("changed", "fields", "hook", "kind", "reason", "replacement", "target", "ttl")

    def __init__(self, fields: "Fields") -> None:
        self.kind = "continue"
        self.hook = ""
        self.reason = ""
        self.fields = fields
        self.changed: set[str] = set()
        self.replacement: bytes = b""
        """With replace: the payload of the value that stands for the result."""
        self.target: tuple[str | None, str] | None = None
        """Where the last redirect points: scope (None for the same) and key."""
        self.ttl = 0.0
        """How many seconds the result stands, when a hook wants it cached."""

    @property
    def data(self) -> "dict[str, Any]":
        """The fields, decoded."""
        return decode_fields(self.fields)

    @property
    def value(self) -> "Any":
        """What stands for the result when `kind` is replace."""
        return values.decode(self.replacement) if self.replacement else None

    def apply(self, result: Result, hook: str) -> None:
        """Take in what a hook said; raises BadValue, before any change, for what is no value."""
        kind = result.kind
        if kind == "modified":
            changes: Fields = {
                name: value if type(value) is str and value.isascii() else values.encode(value)
                for name, value in result.data.items()
            }
            self.fields.update(changes)
            self.changed.update(changes)
        elif kind == "replace":
            self.replacement = values.encode(result.data)
        elif kind == "redirect":
            self.target = result.target
            scope, key = result.target
            self.changed.add("key")
            self.fields["key"] = key
            if scope is not None:
                self.fields["scope"] = scope
                self.changed.add("scope")
        elif kind == "cache":
            self.ttl = result.ttl
        if kind in ("replace", "cancel"):
            self.kind, self.hook, self.reason = kind, hook, result.reason

    def copy(self) -> "Outcome":
        """The outcome as it is now."""
        made = Outcome(dict(self.fields))
        made.kind, made.hook, made.reason, made.replacement = self.kind, self.hook, self.reason, self.replacement
        made.changed, made.target, made.ttl = set(self.changed), self.target, self.ttl
        return made

    def restore(self, earlier: "Outcome") -> None:
        """Be again as a copy that was made earlier. The fields stay the same object: the context's."""
        self.fields.clear()
        self.fields.update(earlier.fields)
        self.kind, self.hook, self.reason = earlier.kind, earlier.hook, earlier.reason
        self.replacement, self.changed = earlier.replacement, earlier.changed
        self.target, self.ttl = earlier.target, earlier.ttl
