"""`GroupedStore`: any store, with many commits put on disk as one. Faster; a crash loses at most the last window.

From the first write on, a thread holds the write transaction of the store below: that is the *window*. Meanwhile commits
go into a layer in memory, which readers of this process see over the store. At the end of the window the layer is
written as one transaction, so the store stays intact and never holds half of a commit. Other processes see the changes
from then on. They cannot write while a window is open; when one of them waits for it, the window ends early.
"""

import atexit
from _thread import allocate_lock, start_new_thread
from time import monotonic

from llmspell.errors import LlmspellError, StorageError
from llmspell.storage import fork
from llmspell.storage.memory import ENDED, TreeWrite, has_ended
from llmspell.storage.scan import overlay, overlay_keys
from llmspell.storage.store import ReadTransaction, Store
from llmspell.storage.tree import Tree
from llmspell.storage.turn import Turn
from llmspell.storage.window import Window

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

_MAX_WINDOW_BYTES = 64 << 20
"""A window that holds this much ends early, to bound the memory."""
_ABSENT = bytes(bytearray(b"absent"))
"""What no layer holds: compared by identity, and made so that no other bytes are this object."""


class GroupedRead(ReadTransaction):
    __slots__ = ("_base", "_block", "_layer", "_store")

    def __init__(self, store: "GroupedStore") -> None:
        self._store = store
        self._layer = ENDED

    def __enter__(self) -> "GroupedRead":
        self._block = self._store.base.read()
        with self._store.boundary:
            self._layer = self._store.layer
            self._base = self._block.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._layer = ENDED
        self._block.__exit__(None, None, None)

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._layer.get(key, _ABSENT)
        if value is _ABSENT:
            return self._base.get(key)
        return value

    def scan(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[tuple[bytes, bytes]]":
        return overlay(self._layer.items(start, end, reverse), self._base.scan(start, end, reverse=reverse), reverse)

    def scan_keys(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[bytes]":
        keys = self._base.scan_keys(start, end, reverse=reverse)
        return overlay_keys(self._layer.items(start, end, reverse), keys, reverse)


class GroupedWrite(TreeWrite):
    """Its tree is the layer to be; None stands for a deleted key. The store below cannot change meanwhile."""

    __slots__ = ("_base", "_block", "_bytes", "_store", "_timeout")

    def __init__(self, store: "GroupedStore", timeout: float | None) -> None:
        super().__init__()
        self._store = store
        self._timeout = timeout
        self._bytes = 0
        self._block: AbstractContextManager[ReadTransaction] | None = None

    def __enter__(self) -> "GroupedWrite":
        self._tree = self._store.begin(self._timeout).copy()
        return self

    def __exit__(self, kind: "type[BaseException] | None", *_: object) -> None:
        tree = self._tree
        self._tree = ENDED
        try:
            if self._block is not None:
                self._block.__exit__(None, None, None)
        finally:
            self._store.end(tree if kind is None and self.changes else None, self._bytes)

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._tree.get(key, _ABSENT)
        if value is not _ABSENT:
            return value
        if self._tree is ENDED:
            raise has_ended()
        return self._store.base.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        super().put(key, value)
        self._bytes += len(key) + len(value)

    def delete(self, key: bytes) -> bool:
        if self.get(key) is None:
            return False
        self._tree.put(key, None)
        self.changes += 1
        return True

    def _read_pairs(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[tuple[bytes, bytes]]":
        base = self._open_base()
        return overlay(self._tree.items(start, end, reverse), base.scan(start, end, reverse=reverse), reverse)

    def _read_keys(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[bytes]":
        base = self._open_base()
        return overlay_keys(self._tree.items(start, end, reverse), base.scan_keys(start, end, reverse=reverse), reverse)

    def _open_base(self) -> ReadTransaction:
        if self._tree is ENDED:
            raise has_ended()
        if self._block is None:
            self._block = self._store.base.read()
            self._base = self._block.__enter__()
        return self._base


class GroupedStore(Store):
    """`base` with windows of at most `every_ms` milliseconds. Closing it closes `base`.

    A write returns before it is on disk. It is there at the latest when its window has ended, and after `sync` and
    `close`. When that fails (a full disk), what was acknowledged stays in memory and readable; the next write, `sync` or
    `close` tries again, raises the error when it fails again, and accepts nothing new before it succeeds. If another
    process has written in between, the kept changes no longer fit: they are dropped, and that is the error then.
    """

    def __init__(self, base: Store, every_ms: float) -> None:
        self.base = base
        self.name = base.name
        self.layer = Tree()
        self.boundary = allocate_lock()
        """Held while a window is committed, so that readers see the layer or the store below hold it, never both."""
        self._seconds = every_ms / 1000
        self._turn = Turn("the store")
        self._window: Window | None = None
        self._failure: BaseException | None = None
        self._generation = 0
        self._bytes = 0
        self._commits = 0
        self._is_open = True
        self._is_lost = False
        self._is_settled = True
        fork.watch(self)

    def read(self) -> GroupedRead:
        self._settle()
        return GroupedRead(self)

    def get(self, key: bytes) -> bytes | None:
        if not self._is_settled:
            self._settle()
        value: bytes | None = self.layer.get(key, _ABSENT)
        if value is _ABSENT:
            return self.base.get(key)
        return value

    def generation(self) -> int:
        return self.base.generation() + self._commits

    def write(self, *, timeout: float | None = None) -> GroupedWrite:
        self._settle()
        return GroupedWrite(self, timeout)

    def is_wanted(self) -> bool:
        return self._turn.is_wanted()

    def sync(self) -> None:
        """End the window. Raises StorageError inside a write transaction of this thread, which would be cut in two."""
        self._settle()
        if self._turn.is_mine():
            raise StorageError("the store cannot be synced inside a write transaction")
        window = self._window
        if window is not None:
            window.ring()
            try:
                window.wait_end()
            except LlmspellError:
                if window.is_open:
                    raise
        if self._failure is not None:
            self._turn.acquire()
            try:
                self._retry(None)
            finally:
                self._turn.release()
        self.base.sync()

    def relax(self) -> None:
        self.base.relax()

    def close(self) -> None:
        """Sync and close the store below. Raises the error when that fails; what is not on disk then is lost."""
        if not self._is_open:
            return
        try:
            if not self._is_lost:
                self.sync()
        except LlmspellError as error:
            if self._turn.is_mine():
                raise
            self._shut()
            raise type(error)(
                f"{error.message}; {self.layer.size} changes of the last {self._seconds * 1000:g} ms were not saved",
                hint=error.hint.partition(";")[0],
            ) from error
        self._shut()

    def verify(self) -> list[str]:
        self.sync()
        return self.base.verify()

    def info(self) -> dict[str, object]:
        """That of the store below, as of the last window, with `pending`: the keys that wait to be written."""
        return {**self.base.info(), "pending": self.layer.size}

    def begin(self, timeout: float | None) -> Tree:
        """Take the turn, with a window open. Gives the layer; `end` must follow."""
        began = monotonic()
        self._turn.acquire(timeout)
        try:
            left = None if timeout is None else began + timeout - monotonic()
            self._retry(left)
            (self._window or self._start(Window(left))).wait_open(left)
        except BaseException:
            self._turn.release()
            raise
        return self.layer

    def end(self, layer: Tree | None, size: int) -> None:
        """Give the turn back; `layer`, when there is one, is what the transaction has made of the old one."""
        if layer is not None:
            self.layer = layer
            self._commits += 1
            self._bytes += size
            if self._bytes > _MAX_WINDOW_BYTES and self._window is not None:
                self._window.ring()
        self._turn.release()

    def before_fork(self) -> None:
        window = self._window
        if window is not None and not self._turn.is_taken():
            window.ring()
            try:
                window.wait_end()
            except LlmspellError:
                # It is raised by the next write; the child cannot use the store then.
                return

    def after_fork(self) -> None:
        self.boundary = allocate_lock()
        if self._window is not None or self.layer.size:
            self._is_lost = True
            self._is_settled = False

    def _settle(self) -> None:
        """Wait while a window is being committed. Raises when the store cannot be used any more."""
        if self._is_lost:
            raise StorageError(
                "the store had unwritten changes when the process forked, so the child cannot use it",
                hint="sync the store before forking, or start the child as a new program",
            )
        if not self._is_open:
            raise StorageError("the store is closed")
        if not self._is_settled:
            with self.boundary:
                return

    def _shut(self) -> None:
        self._is_open = self._is_settled = False
        atexit.unregister(self.close)
        fork.unwatch(self)
        self.base.close()

    def _retry(self, timeout: float | None) -> None:
        """Write what an earlier window could not. The caller has the turn."""
        if self._failure is not None:
            self._start(Window(timeout, is_lent=True)).wait_end()

    def _start(self, window: Window) -> Window:
        # At exit the runtime closes the store; this is for programs that forget to.
        atexit.unregister(self.close)
        atexit.register(self.close)
        self._window = window
        start_new_thread(self._hold, (window,))
        return window

    def _hold(self, window: Window) -> None:
        """The thread of a window."""
        error: BaseException | None = None
        has_turn = has_boundary = False
        try:
            with self.base.write(timeout=window.timeout) as transaction:
                self._check_unchanged()
                window.open()
                if not window.is_lent:
                    window.sleep(self._seconds, self.base)
                    self._turn.acquire()
                    has_turn = True
                for key, value in self.layer.items(b"", None, False):
                    if value is None:
                        transaction.delete(key)
                    else:
                        transaction.put(key, value)
                self._is_settled = False
                self.boundary.acquire()
                has_boundary = True
            self.layer = Tree()
            self._bytes = 0
            self._failure = None
        except BaseException as problem:
            error = problem
            if window.is_open:
                self._failure = problem
        self._window = None
        if has_boundary:
            self._is_settled = True
            self.boundary.release()
        if has_turn:
            self._turn.release()
        window.end(error)

    def _check_unchanged(self) -> None:
        """Raise StorageError, and drop the layer, when it is from an earlier window and no longer fits."""
        generation = self.base.generation()
        if self._failure is not None and generation != self._generation:
            lost = self.layer.size
            self.layer = Tree()
            self._failure = None
            raise StorageError(
                f"{lost} changes could not be saved, and another process has changed the store since then",
                hint="they are lost: make them again",
            )
        self._generation = generation
