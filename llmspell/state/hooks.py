"""`StateHooks`: what is asked before, and told after, the operations of a state, when there is one. The seam of hooks."""

from abc import ABC, abstractmethod

from llmspell.state.key import state_key
from llmspell.storage.record import HEADER_BYTES, SENSITIVE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.state.manager import StateManager

BEFORE_READ, AFTER_READ = "BeforeStateRead", "AfterStateRead"
BEFORE_WRITE, AFTER_WRITE = "BeforeStateWrite", "AfterStateWrite"
BEFORE_DELETE, AFTER_DELETE = "BeforeStateDelete", "AfterStateDelete"
CONFLICT = "StateConflict"


class Place:
    """What an operation concerns, as hooks see it and may change it. Values are payloads, None where there is none.

    `new_value` is what will be stored, or what a read found; `old_value` what is there now.
    """

    is_hidden = False
    """Both values are kept out of what hooks are told."""
    is_changed = False
    """A hook has changed something of it."""
    is_moved = False
    """Its scope or key is another than at the beginning."""
    is_replaced = False
    """A hook has said what the value is."""
    ttl = 0.0
    """For how many seconds what is read is to stand."""
    version: int | None = None
    expected_version: int | None = None
    """With a conflict, the version that is there, and the one that the caller named."""

    def __init__(
        self,
        manager: "StateManager",
        scope: str,
        key: str,
        operation: str,
        old_value: bytes | None = None,
        new_value: bytes | None = None,
    ) -> None:
        self.manager = manager
        self.scope = scope
        self.key = key
        self.operation = operation
        self.old_value = old_value
        self.new_value = new_value

    def look(self, scope: str, key: str) -> bytes | None:
        """What is stored under another scope and key; a sensitive value hides what is shown from now on."""
        stored = self.manager.find(state_key(scope, key))
        if stored is not None and stored[1] == SENSITIVE:
            self.is_hidden = True
        return None if stored is None else stored[HEADER_BYTES:-4]


class StateHooks(ABC):
    """Asked by the `Hooked` in a StateManager's `hooks`. The flags say at which points there is somebody to ask or tell.

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
