"""Turns: who writes next, among the threads of a process and among processes. First come, first served.

LMDB's own lock would do, but it prefers whoever runs: with eight busy processes one of them waited 180 ms, and nothing
can stop waiting for it. Here the longest wait was that of eight commits, and every wait has a time limit.
"""

from _thread import allocate_lock, get_ident, start_new_thread
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, lockf
from os import O_CLOEXEC, O_CREAT, O_NOFOLLOW, O_RDWR, close, open
from time import monotonic

from llmspell.errors import StorageBusy, StorageError
from llmspell.storage import fork
from llmspell.storage.fault import explain_os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType


class Turn:
    """One writer at a time among the threads of this process."""

    __slots__ = ("_forks", "_free", "_owner", "_waiting", "name")
    _forks: int
    _owner: int

    def __init__(self, name: str) -> None:
        """`name` is what an error says is locked."""
        self.name = name
        self._reset()

    def acquire(self, timeout: float | None = None) -> None:
        """Wait for the turn. Raises StorageBusy after `timeout` seconds, and StorageError when this thread has it."""
        if self._forks != fork.count:
            self._reset()
        if not self._free.acquire(False):
            self._wait(timeout)
        self._owner = get_ident()

    def release(self) -> None:
        """Hand the turn to whoever has waited longest."""
        self._owner = 0
        while True:
            try:
                if self._waiting:
                    self._waiting.pop(0).release()
                    return
            except IndexError:
                pass  # he has lost patience
            self._free.release()
            # Somebody may have begun to wait since the list was empty; he is served unless another came first.
            if not self._waiting or not self._free.acquire(False):
                return

    def wait_idle(self, timeout: float) -> None:
        """Wait until no other thread of this process has the turn. Raises StorageBusy after `timeout` seconds."""
        if not self.is_mine():
            Turn.acquire(self, timeout)
            Turn.release(self)

    def is_wanted(self) -> bool:
        """Whether a thread waits."""
        return bool(self._waiting)

    def is_mine(self) -> bool:
        """Whether this thread has the turn."""
        return self._owner == get_ident() and self._forks == fork.count

    def is_taken(self) -> bool:
        """Whether any thread of this process has the turn."""
        return self._free.locked() and self._forks == fork.count

    def _reset(self) -> None:
        self._free = allocate_lock()
        self._waiting: list[LockType] = []
        self._owner = 0
        self._forks = fork.count

    def _wait(self, timeout: float | None) -> None:
        if self._owner == get_ident():
            raise StorageError(f"{self.name}: a write transaction was begun inside another one of the same thread")
        ticket = allocate_lock()
        ticket.acquire()
        self._waiting.append(ticket)
        if self._free.acquire(False):
            self._waiting.remove(ticket)
            return
        try:
            served = ticket.acquire(True, -1 if timeout is None else max(timeout, 0))
        except BaseException:
            if self._has_been_served(ticket):
                self.release()
            raise
        if not served and not self._has_been_served(ticket):
            raise self._busy(timeout)

    def _has_been_served(self, ticket: "LockType") -> bool:
        try:
            self._waiting.remove(ticket)
        except ValueError:
            return True
        return False

    def _busy(self, timeout: float | None) -> StorageBusy:
        return StorageBusy(
            f"{self.name} stayed locked by another writer for {timeout or 0:g} seconds",
            hint="try again; when it lasts, look for a process that is stopped in the middle of a transaction",
        )


_TRY = LOCK_EX | LOCK_NB
_QUEUE, _TURN = 0, 1
"""Bytes of the lock file. Whoever is next holds the queue, so a writer that has just finished cannot overtake it."""


class ProcessTurn(Turn):
    """One writer at a time among all processes that use one lock file.

    The kernel keeps the order and frees the lock of a process that dies. Its locks belong to the process and end with
    the first closing of the file, whichever descriptor it was: nothing else may open the file.
    """

    __slots__ = ("_descriptor", "_helper", "path")
    _helper: "_Helper | None"

    def __init__(self, name: str, path: str) -> None:
        self.path = path
        self._descriptor = -1
        super().__init__(name)

    def acquire(self, timeout: float | None = None) -> None:
        began = 0.0 if timeout is None else monotonic()
        Turn.acquire(self, timeout)
        try:
            if self._descriptor < 0:
                self._open()
            if self._helper is None:
                # Take the turn when nobody has it and nobody waits.
                try:
                    lockf(self._descriptor, _TRY, 2, _QUEUE)
                    lockf(self._descriptor, LOCK_UN, 1, _QUEUE)
                    return
                except (BlockingIOError, PermissionError):
                    pass
                except OSError as error:
                    raise StorageError(f"cannot lock {self.path}: {error.strerror}") from error
            self._stand_in_line(None if timeout is None else began + timeout - monotonic(), timeout)
        except BaseException:
            Turn.release(self)
            raise

    def release(self) -> None:
        if self._descriptor >= 0:
            lockf(self._descriptor, LOCK_UN, 1, _TURN)
        Turn.release(self)

    def is_wanted(self) -> bool:
        """Whether a thread or a process waits. May be asked only by who has the turn."""
        if super().is_wanted():
            return True
        try:
            lockf(self._descriptor, _TRY, 1, _QUEUE)
        except OSError:
            return True
        lockf(self._descriptor, LOCK_UN, 1, _QUEUE)
        return False

    def close(self) -> None:
        """Let go of the file. Harmless when it is not open."""
        helper, descriptor = self._helper, self._descriptor
        self._helper, self._descriptor = None, -1
        if descriptor >= 0 and (helper is None or helper.is_done_with_file()):
            close(descriptor)

    def _reset(self) -> None:
        # In a forked child the descriptor is inherited and the locks are not, so closing it frees nobody else's.
        if self._descriptor >= 0:
            close(self._descriptor)
        self._descriptor = -1
        self._helper = None
        super()._reset()

    def _open(self) -> None:
        try:
            self._descriptor = open(self.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        except OSError as error:
            raise explain_os(error.errno or 0, self.path) from error

    def _stand_in_line(self, seconds: float | None, timeout: float | None) -> None:
        if seconds is None and self._helper is None:
            _line_up(self._descriptor)
            return
        while True:
            helper = self._helper
            if helper is None:
                helper = self._helper = _Helper(self._descriptor)
            elif not helper.rejoin():
                self._helper = None
                continue
            try:
                helper.wait(seconds)
            except BaseException:
                if self._leave(helper):
                    lockf(self._descriptor, LOCK_UN, 1, _TURN)
                raise
            if self._leave(helper):
                return
            raise self._busy(timeout)

    def _leave(self, helper: "_Helper") -> bool:
        """Stop waiting with it; whether it has taken the turn, which is then ours."""
        if not helper.leave():
            return False
        self._helper = None
        if helper.error is not None:
            raise StorageError(f"cannot lock {self.path}: {helper.error.strerror}") from helper.error
        return True


def _line_up(descriptor: int) -> None:
    """Wait in the queue, then for the turn. A signal handler that raises ends the wait and leaves nothing locked."""
    try:
        lockf(descriptor, LOCK_EX, 1, _QUEUE)
        lockf(descriptor, LOCK_EX, 1, _TURN)
    except BaseException:
        lockf(descriptor, LOCK_UN, 2, _QUEUE)
        raise
    lockf(descriptor, LOCK_UN, 1, _QUEUE)


class _Helper:
    """A thread that stands in line for its process, because waiting for a file lock cannot be given a time limit.

    Who loses patience leaves it in the queue. The next writer of the process joins it, and keeps the place.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._guard = allocate_lock()
        self._end = allocate_lock()
        self._end.acquire()
        self._is_joined = True
        self._is_orphan = False
        self.error: OSError | None = None
        self._is_finished = False
        start_new_thread(self._run, ())

    def rejoin(self) -> bool:
        """Wait with it again. False when it had got the turn, and given it back, in the meantime."""
        with self._guard:
            self._is_joined = not self._is_finished
            return self._is_joined

    def wait(self, seconds: float | None) -> None:
        """Until it has the turn, or for `seconds`."""
        if self._end.acquire(True, -1 if seconds is None else max(seconds, 0)):
            self._end.release()

    def leave(self) -> bool:
        """Stop waiting with it; whether it is through."""
        with self._guard:
            self._is_joined = False
            return self._is_finished

    def is_done_with_file(self) -> bool:
        """Whether the caller may close the file; if not, the thread closes it."""
        with self._guard:
            self._is_orphan = not self._is_finished
            return self._is_finished

    def _run(self) -> None:
        try:
            _line_up(self._descriptor)
        except OSError as error:
            self.error = error
        with self._guard:
            self._is_finished = True
            if not self._is_joined:
                lockf(self._descriptor, LOCK_UN, 1, _TURN)
            if self._is_orphan:
                close(self._descriptor)
        self._end.release()
