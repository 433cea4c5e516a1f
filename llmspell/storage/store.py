"""`Store`: ordered byte keys to byte values, in transactions. The seam that every back end implements.

A store has one keyspace. Readers see a snapshot and never block; there is one writer at a time, over all processes that
use the store. Domain services share one store, so what they write in one transaction commits together.
"""

from abc import ABC, abstractmethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    Opener = Callable[..., "Store"]
    """What the entry-point group `llmspell.stores` names: called with `path` and the options of the back end."""

MAX_KEY_BYTES = 511
"""The longest key every back end takes: LMDB's limit at its default page size."""


BACK_ENDS_OWN = b"\xff"
"""Keys that begin with it are the back end's own: nobody sees them, and putting one raises ValueError."""


class ReadTransaction(ABC):
    """A consistent view of the whole store at one moment. Ends when its `with` block ends."""

    @abstractmethod
    def get(self, key: bytes) -> bytes | None:
        """The value of `key`, or None."""

    @abstractmethod
    def scan(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[tuple[bytes, bytes]]":
        """The pairs with `start <= key < end` in byte order, or in the opposite order; without `end`, to the end.

        Reading on after a write in the same transaction is allowed: the cursor goes on from the last key it gave.
        """

    @abstractmethod
    def scan_keys(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[bytes]":
        """The keys that `scan` would give, without reading their values."""


class WriteTransaction(ReadTransaction):
    """All of its changes are committed when its `with` block ends, or none when the block raises.

    Reads see its own writes.
    """

    @abstractmethod
    def put(self, key: bytes, value: bytes) -> None:
        """Set `key`; an empty key, one above `MAX_KEY_BYTES` and one of the back end's own raises ValueError."""

    def load(self, pairs: "Sequence[tuple[bytes, bytes]]") -> None:
        """Set many keys, given in ascending order: faster than one by one."""
        for key, value in pairs:
            self.put(key, value)

    @abstractmethod
    def delete(self, key: bytes) -> bool:
        """Remove `key`; whether it was there."""

    def next_generation(self) -> int | None:
        """What `Store.generation` gives after the commit, if anything was changed; None where that is not known."""
        return None

    @abstractmethod
    def savepoint(self) -> "AbstractContextManager[None]":
        """A part that is undone alone when its block raises; they nest."""


class Store(ABC):
    """An open store. Usable from many threads; a transaction belongs to the thread that began it.

    Raises StorageError, StorageFull, StorageBusy and Corrupt. `close` ends it; closing twice is harmless.
    """

    name: str
    """The kind, as the configuration names it."""

    @abstractmethod
    def read(self) -> "AbstractContextManager[ReadTransaction]":
        """A snapshot of the last commit."""

    def get(self, key: bytes) -> bytes | None:
        """The value of `key` at the last commit, or None."""
        with self.read() as transaction:
            return transaction.get(key)

    @abstractmethod
    def generation(self) -> int:
        """A number that is higher after every commit that changed something, of this or another process."""

    @abstractmethod
    def write(self, *, timeout: float | None = None) -> "AbstractContextManager[WriteTransaction]":
        """The one writer. Waits for other writers; with `timeout` seconds, raises StorageBusy after that.

        When the block has ended without an error the changes are on disk, unless the store groups its syncs
        (`flush_every_ms`): then they are visible at once in this process, and on disk within that window. One thread
        has one write transaction at a time; a second one inside it raises StorageError.
        """

    def fill(self, *, timeout: float | None = None) -> "AbstractContextManager[WriteTransaction]":
        """A write transaction for putting everything into an empty store: all or nothing as any other, without savepoints.

        A back end may spare memory in it by keeping others out, who then wait for its end. The thread that fills must
        not use the store in another way meanwhile. Raises StorageError when the store is not empty.
        """
        return self.write(timeout=timeout)

    def is_wanted(self) -> bool:
        """Whether somebody waits for the write transaction that is open now. May be asked only while one is."""
        return False

    @abstractmethod
    def sync(self) -> None:
        """After it everything committed so far is on disk. Does nothing where nothing is pending or persistent."""

    def relax(self) -> None:
        """Let go of memory that reading has filled and that can be filled again. For who reads all of a large store."""
        return

    @abstractmethod
    def close(self) -> None:
        """Sync and let go of the files."""

    def verify(self) -> list[str]:
        """What is wrong with the structure of the file, as sentences. Cost follows the size of the store."""
        return []

    @abstractmethod
    def info(self) -> dict[str, object]:
        """Facts for operators: `path`, `entries`, `bytes_used`, `persistent`, `processes` (may several use it)."""

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
