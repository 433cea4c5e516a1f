"""`StateHooks`: what is asked before, and told after, the operations of a state, when there is one. The seam of hooks."""

from abc import ABC, abstractmethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

BEFORE_READ, AFTER_READ = "BeforeStateRead", "AfterStateRead"
BEFORE_WRITE, AFTER_WRITE = "BeforeStateWrite", "AfterStateWrite"
BEFORE_DELETE, AFTER_DELETE = "BeforeStateDelete", "AfterStateDelete"
CONFLICT = "StateConflict"


class Place:
    """What an operation concerns, as hooks see it and may change it. Values are payloads, None where there is none.

    `new_value` is what will be stored, or what a read found; `old_value` what is there now. `is_hidden` keeps both out of what
    hooks are told. `look` finds what is stored under another scope and key.
    """

    __slots__ = (
        "expected_version", "is_changed", "is_hidden", "is_moved", "is_replaced", "key", "look", "new_value", "old_value",
        "operation", "scope", "ttl", "version",
    )  # fmt: skip

    def __init__(
        self,
        scope: str,
        key: str,
        operation: str,
        look: "Callable[[str, str], bytes | None]",
        *,
        old_value: bytes | None = None,
        new_value: bytes | None = None,
        is_hidden: bool = False,
    ) -> None:
        self.scope = scope
        self.key = key
        self.operation = operation
        self.look = look
        self.old_value = old_value
        self.new_value = new_value
        self.is_hidden = is_hidden
        self.is_changed = False
        """A hook has changed something of it."""
        self.is_moved = False
        """Its scope or key is another than at the beginning."""
        self.is_replaced = False
        """A hook has said what the value is."""
        self.ttl = 0.0
        """For how many seconds what is read is to stand."""
        self.version: int | None = None
        self.expected_version: int | None = None
        """With a conflict, the version that is there, and the one that the caller named."""


class StateHooks(ABC):
    """Asked by a StateManager whose `hooks` it is. The flags say at which points there is somebody to ask or tell.

    Outside of a transaction it is asked without any lock.
    """

    before_read = after_read = before_write = after_write = before_delete = after_delete = on_conflict = False

    @abstractmethod
    def ask(self, point: str, place: Place) -> None:
        """Let hooks change the place; raises Cancelled when one does not want the operation."""

    @abstractmethod
    def tell(self, point: str, place: Place) -> None:
        """Say what has been committed. Never raises."""

    @abstractmethod
    def cached(self, record_key: bytes) -> tuple[bytes | None] | None:
        """What a hook wants reads of this key to give for now, in a tuple, or None when there is no such wish."""

    @abstractmethod
    def stamp(self) -> int:
        """A number that is another one after every commit."""

    @abstractmethod
    def keep(self, record_key: bytes, source: bytes, payload: bytes | None, seconds: float, stamp: int) -> None:
        """Have reads of this key give this payload, unless the key, or `source`, has changed since `stamp`, or does."""
