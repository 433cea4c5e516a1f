"""`Window`: the time for which a thread holds a store's write transaction for the commits of a whole process."""

from _thread import allocate_lock
from time import monotonic

from llmspell.errors import LlmspellError, StorageBusy, StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType

    from llmspell.storage.store import Store

_POLL_SECONDS = 0.004
"""How often an open window asks whether somebody else waits to write."""


class Window:
    """What its thread and the threads that wait for it tell each other.

    `is_lent` says that who waits for the end has the turn, so that the window's thread must not wait for it.
    """

    __slots__ = ("_bell", "_ended", "_opened", "error", "is_lent", "is_open", "timeout")

    def __init__(self, timeout: float | None, *, is_lent: bool = False) -> None:
        self.timeout = timeout
        self.is_lent = is_lent
        self.is_open = False
        self.error: BaseException | None = None
        self._opened = _shut_gate()
        self._ended = _shut_gate()
        self._bell = _shut_gate()

    def open(self) -> None:
        """The store is ours."""
        self.is_open = True
        self._opened.release()

    def end(self, error: BaseException | None = None) -> None:
        """It is over, with `error` when that is why."""
        self.error = error
        if not self.is_open:
            self._opened.release()
        self._ended.release()

    def ring(self) -> None:
        """Ask for the end. Asking again is harmless."""
        try:
            self._bell.release()
        except RuntimeError:
            return

    def sleep(self, seconds: float, store: "Store") -> None:
        """Until somebody rings, somebody else wants to write to `store`, or the time is over."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            if self._bell.acquire(True, min(left, _POLL_SECONDS)) or store.is_wanted():
                return

    def wait_open(self, timeout: float | None) -> None:
        """Raises what kept it from opening, and StorageBusy after `timeout` seconds."""
        if not self.is_open:
            _pass(self._opened, timeout)
            if self.error is not None:
                raise copy_error(self.error)

    def wait_end(self, timeout: float | None = None) -> None:
        """Raises what it ended with, and StorageBusy after `timeout` seconds."""
        _pass(self._ended, timeout)
        if self.error is not None:
            raise copy_error(self.error)


def copy_error(error: BaseException) -> LlmspellError:
    """The same error, to be raised in another thread and more than once."""
    if isinstance(error, LlmspellError):
        copy = type(error)(error.message, hint=error.hint)
    else:
        copy = StorageError(f"writing to the store failed ({error!r})")
    copy.__cause__ = error
    return copy


def _shut_gate() -> "LockType":
    gate = allocate_lock()
    gate.acquire()
    return gate


def _pass(gate: "LockType", timeout: float | None) -> None:
    if not gate.acquire(True, -1 if timeout is None else max(timeout, 0)):
        raise StorageBusy(f"the store stayed locked by another writer for {timeout or 0:g} seconds")
    gate.release()
