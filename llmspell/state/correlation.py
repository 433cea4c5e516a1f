"""Correlations: the id of what caused a change, carried by every commit and told by history and changes."""

from contextvars import ContextVar

from llmspell.errors import BadArgument
from llmspell.state.scope import has_control_character, is_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from contextvars import Token
    from typing import Any, Protocol

    class Correlated(Protocol):
        """Whatever makes changes or tells of them. What it does carries `correlation_id` outside of every block."""

        correlation_id: str

        def current_correlation_id(self) -> str:
            """What this thread or task does now carries it."""

        def with_correlation(self, correlation_id: str) -> AbstractContextManager[Any]:
            """What this thread or task does in the block carries the id."""


MAX_BYTES = 255

_innermost: "ContextVar[Correlation | None]" = ContextVar("llmspell correlation", default=None)


class Correlation:
    """What this thread or task commits to `manager` in the block carries `correlation_id`; blocks nest."""

    __slots__ = ("_manager", "_outer", "_token", "correlation_id")

    def __init__(self, manager: "Correlated", correlation_id: str) -> None:
        check_correlation_id(correlation_id)
        self._manager = manager
        self.correlation_id = correlation_id

    def __enter__(self) -> "Any":
        self._outer = _innermost.get()
        self._token: Token[Correlation | None] = _innermost.set(self)
        return self._manager

    def __exit__(self, *_: object) -> None:
        _innermost.reset(self._token)

    @staticmethod
    def current(manager: "Correlated") -> str:
        """The id that the innermost block of this thread or task names for a manager, else the manager's own."""
        block = _innermost.get()
        while block is not None:
            if block._manager is manager:
                return block.correlation_id
            block = block._outer
        return manager.correlation_id


def check_correlation_id(correlation_id: object) -> None:
    """Raise BadArgument unless it is 1 to 255 bytes of UTF-8 without control characters."""
    if not isinstance(correlation_id, str):
        raise BadArgument(f"a correlation id must be text, got {type(correlation_id).__name__}")
    if not is_utf8(correlation_id) or has_control_character(correlation_id):
        raise BadArgument(f"the correlation id {correlation_id[:60]!r} holds a control character or no valid text")
    if not 0 < len(correlation_id.encode()) <= MAX_BYTES:
        raise BadArgument(f"a correlation id has 1 to {MAX_BYTES} bytes, not {len(correlation_id.encode())}")
