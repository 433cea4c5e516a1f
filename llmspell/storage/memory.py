"""`MemoryStore`: a store that ends with its process. Readers and savepoints are copies of a `Tree`, which are free."""

from abc import abstractmethod

from llmspell.errors import StorageError
from llmspell.storage.format import FORMAT, FORMAT_KEY
from llmspell.storage.scan import resume
from llmspell.storage.store import BACK_ENDS_OWN, MAX_KEY_BYTES, ReadTransaction, Store, WriteTransaction
from llmspell.storage.tree import Tree
from llmspell.storage.turn import Turn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ENDED = Tree()
"""Where a transaction looks that has ended; never filled."""


class MemoryRead(ReadTransaction):
    __slots__ = ("_store", "_tree")

    def __init__(self, store: "MemoryStore") -> None:
        self._store = store
        self._tree = ENDED

    def __enter__(self) -> "MemoryRead":
        self._tree = self._store.tree
        return self

    def __exit__(self, *_: object) -> None:
        self._tree = ENDED

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._tree.get(key)
        if value is None and self._tree is ENDED:
            raise has_ended()
        return value

    def scan(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[tuple[bytes, bytes]]":
        if self._tree is ENDED:
            raise has_ended()
        return self._tree.items(start, end, reverse)

    def scan_keys(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[bytes]":
        if self._tree is ENDED:
            raise has_ended()
        return self._tree.keys(start, end, reverse)


class TreeWrite(WriteTransaction):
    """What write transactions on a tree have in common. `changes` counts them; savepoints count too."""

    __slots__ = ("_tree", "changes")

    def __init__(self) -> None:
        self._tree = ENDED
        self.changes = 0

    def scan(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[tuple[bytes, bytes]]":
        return resume(self, self._read_pairs, start, end, reverse, pairs=True)

    def scan_keys(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[bytes]":
        return resume(self, self._read_keys, start, end, reverse, pairs=False)

    def put(self, key: bytes, value: bytes) -> None:
        if self._tree is ENDED:
            raise has_ended()
        if type(key) is not bytes or type(value) is not bytes:
            key, value = bytes(memoryview(key)), bytes(memoryview(value))
        if not 0 < len(key) <= MAX_KEY_BYTES:
            raise ValueError(f"a key has 1 to {MAX_KEY_BYTES} bytes, not {len(key)}")
        if key >= BACK_ENDS_OWN:
            raise ValueError("a key that begins with 0xff is the back end's own")
        self._tree.put(key, value)
        self.changes += 1

    def savepoint(self) -> "TreeSavepoint":
        return TreeSavepoint(self)

    def swap(self, tree: Tree | None = None) -> Tree:
        """Go on with `tree`, or with a copy; gives the one that was there before."""
        before = self._tree
        if before is ENDED:
            raise has_ended()
        self._tree = before.copy() if tree is None else tree
        self.changes += 1
        return before

    @abstractmethod
    def _read_pairs(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[tuple[bytes, bytes]]":
        """The pairs as they are now, up to the next change."""

    @abstractmethod
    def _read_keys(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[bytes]":
        """The keys as they are now, up to the next change."""


class TreeSavepoint:
    """Keeps the tree of its beginning, and puts it back when its block raises."""

    __slots__ = ("_before", "_transaction")

    def __init__(self, transaction: TreeWrite) -> None:
        self._transaction = transaction

    def __enter__(self) -> None:
        self._before = self._transaction.swap()

    def __exit__(self, kind: "type[BaseException] | None", *_: object) -> None:
        if kind is not None:
            self._transaction.swap(self._before)


class MemoryWrite(TreeWrite):
    __slots__ = ("_store", "_timeout")

    def __init__(self, store: "MemoryStore", timeout: float | None) -> None:
        super().__init__()
        self._store = store
        self._timeout = timeout

    def __enter__(self) -> "MemoryWrite":
        self._store.turn.acquire(self._timeout)
        self._tree = self._store.tree.copy()
        return self

    def __exit__(self, kind: "type[BaseException] | None", *_: object) -> None:
        if kind is None and self.changes:
            self._store.tree = self._tree
            self._store.commits += 1
        self._tree = ENDED
        self._store.turn.release()

    def get(self, key: bytes) -> bytes | None:
        value: bytes | None = self._tree.get(key)
        if value is None and self._tree is ENDED:
            raise has_ended()
        return value

    def next_generation(self) -> int:
        return self._store.commits + 1

    def delete(self, key: bytes) -> bool:
        if self._tree.delete(key):
            self.changes += 1
            return True
        if self._tree is ENDED:
            raise has_ended()
        return False

    def _read_pairs(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[tuple[bytes, bytes]]":
        if self._tree is ENDED:
            raise has_ended()
        return self._tree.items(start, end, reverse)

    def _read_keys(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[bytes]":
        if self._tree is ENDED:
            raise has_ended()
        return self._tree.keys(start, end, reverse)


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
