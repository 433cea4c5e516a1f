"""`MemoryStore`: a store that ends with its process. Readers and savepoints are copies of a `Tree`, which are free."""

from llmspell.errors import StorageError
from llmspell.storage.format import FORMAT, FORMAT_KEY
from llmspell.storage.scan import resume
from llmspell.storage.store import MAX_KEY_BYTES, ReadTransaction, Store, WriteTransaction
from llmspell.storage.tree import Tree
from llmspell.storage.turn import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

_ENDED = Tree()
"""Where a transaction looks that has ended; never filled."""


class MemoryRead(ReadTransaction):
    __slots__ = ("_store", "_tree")

    def __init__(self, store: "MemoryStore") -> None:
        self._store = store
        self._tree = _ENDED

    def __enter__(self) -> "MemoryRead":
        self._tree = self._store.tree
        return self

    def __exit__(self, *_: object) -> None:
        self._tree = _ENDED

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._tree.get(key)
        if value is None and self._tree is _ENDED:
            raise has_ended()
        return value

    def scan(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[tuple[bytes, bytes]]":
        if self._tree is _ENDED:
            raise has_ended()
        return self._tree.items(start, end, reverse)

    def scan_keys(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[bytes]":
        if self._tree is _ENDED:
            raise has_ended()
        return self._tree.keys(start, end, reverse)


class MemoryWrite(WriteTransaction):
    __slots__ = ("_store", "_timeout", "_tree", "changes")

    def __init__(self, store: "MemoryStore", timeout: float | None) -> None:
        self._store = store
        self._timeout = timeout
        self._tree = _ENDED
        self.changes = 0

    def __enter__(self) -> "MemoryWrite":
        store = self._store
        store.turn.acquire(self._timeout)
        self._tree = store.tree.copy()
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        if kind is None and self.changes:
            self._store.tree = self._tree
            self._store.commits += 1
        self._tree = _ENDED
        self._store.turn.release()

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._tree.get(key)
        if value is None and self._tree is _ENDED:
            raise has_ended()
        return value

    def scan(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[tuple[bytes, bytes]]":
        return resume(self, self._items, start, end, reverse, pairs=True)

    def scan_keys(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[bytes]":
        return resume(self, self._keys, start, end, reverse, pairs=False)

    def put(self, key: bytes, value: bytes) -> None:
        if self._tree is _ENDED:
            raise has_ended()
        if type(key) is not bytes or type(value) is not bytes:
            key, value = bytes(memoryview(key)), bytes(memoryview(value))
        if not 0 < len(key) <= MAX_KEY_BYTES:
            raise ValueError(f"a key has 1 to {MAX_KEY_BYTES} bytes, not {len(key)}")
        self._tree.put(key, value)
        self.changes += 1

    def delete(self, key: bytes) -> bool:
        if self._tree.delete(key):
            self.changes += 1
            return True
        if self._tree is _ENDED:
            raise has_ended()
        return False

    def savepoint(self) -> "MemorySavepoint":
        return MemorySavepoint(self)

    def swap(self, tree: Tree | None = None) -> Tree:
        """Go on with `tree`, or with a copy; gives what was there before."""
        before = self._tree
        if before is _ENDED:
            raise has_ended()
        self._tree = before.copy() if tree is None else tree
        self.changes += 1
        return before

    def _items(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[tuple[bytes, bytes]]":
        if self._tree is _ENDED:
            raise has_ended()
        return self._tree.items(start, end, reverse)

    def _keys(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[bytes]":
        if self._tree is _ENDED:
            raise has_ended()
        return self._tree.keys(start, end, reverse)


class MemorySavepoint:
    """Remembers the tree at its beginning, and puts it back when its block raises."""

    __slots__ = ("_before", "_transaction")

    def __init__(self, transaction: MemoryWrite) -> None:
        self._transaction = transaction

    def __enter__(self) -> None:
        self._before = self._transaction.swap()

    def __exit__(self, kind: "type[BaseException] | None", *_: object) -> None:
        if kind is not None:
            self._transaction.swap(self._before)


class MemoryStore(Store):
    """Nothing of it outlives the process. A forked child goes on with a copy of its own."""

    name = "memory"

    def __init__(self) -> None:
        self.turn = Turn("the store in memory")
        self.tree = Tree()
        self.tree.put(FORMAT_KEY, FORMAT)
        self.commits = 0
        self._is_open = True

    def read(self) -> MemoryRead:
        self._check_open()
        return MemoryRead(self)

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self.tree.get(key)
        if value is None:
            self._check_open()
        return value

    def generation(self) -> int:
        return self.commits

    def write(self, *, timeout: float | None = None) -> MemoryWrite:
        self._check_open()
        return MemoryWrite(self, timeout)

    def is_wanted(self) -> bool:
        return self.turn.is_wanted()

    def sync(self) -> None:
        """Does nothing: there is no disk."""
        self._check_open()

    def close(self) -> None:
        """Forget everything."""
        self._is_open = False
        self.tree = Tree()

    def info(self) -> dict[str, object]:
        self._check_open()
        used = sum(len(key) + len(value) for key, value in self.tree.items(b"", None, False))
        return {"path": "", "entries": self.tree.size, "bytes_used": used, "persistent": False, "processes": False}

    def _check_open(self) -> None:
        if not self._is_open:
            raise StorageError("the store is closed")


def has_ended() -> StorageError:
    """The error for using a transaction outside its block."""
    return StorageError("the transaction has ended")
