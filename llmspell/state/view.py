"""Views: everything the state holds at one moment, durable and ephemeral, without what has expired."""

from _thread import get_ident
from itertools import islice
from sys import exc_info

from llmspell.state.expiry import Expired
from llmspell.state.limits import encode_text
from llmspell.storage import keys
from llmspell.storage.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from types import TracebackType

    from llmspell.state.manager import StateManager
    from llmspell.state.scope import Scope
    from llmspell.storage.store import ReadTransaction

_MAX_SCOPE_BYTES = keys.MAX_SCOPE_AND_KEY_BYTES


class View:
    """A consistent view for its `with` block; inside a transaction of this thread, that transaction's view."""

    __slots__ = ("_blocks", "_manager", "ephemeral", "main", "now")

    def __init__(self, manager: "StateManager") -> None:
        self._manager = manager
        self._blocks: list[AbstractContextManager[ReadTransaction]] = []
        self.ephemeral: ReadTransaction | None = None

    def __enter__(self) -> "View":
        manager = self._manager
        transaction = manager.current
        if transaction is not None and transaction.thread == get_ident():
            transaction.check_deadline()
            self.main: ReadTransaction = transaction.main
            if manager.ephemeral_store is not None:
                self.ephemeral = transaction.open_shelf()
        else:
            self.main = self._begin(manager.store.read())
            if manager.ephemeral_store is not None:
                self.ephemeral = self._begin(manager.ephemeral_store.read())
        self.now = manager.clock()
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        for block in reversed(self._blocks):
            block.__exit__(kind, error, trace)

    def find(self, key: bytes) -> Record | None:
        """The record under a key."""
        for txn in (self.main,) if self.ephemeral is None else (self.ephemeral, self.main):
            value = txn.get(key)
            if value is not None:
                record = Record(key, value)
                if not record.is_expired(self.now):
                    return record
        return None

    def keys(self, bounds: "Bounds", limit: int | None) -> list[bytes]:
        """The record keys within bounds, in their order."""
        found = list(islice(_live_keys(self.main, bounds, self.now), limit))
        if self.ephemeral is not None:
            shelf = islice(_live_keys(self.ephemeral, bounds, self.now), limit)
            found = sorted({*found, *shelf}, reverse=bounds.reverse)[:limit]
        return found

    def list_keys(self, bounds: "Bounds", limit: int | None) -> list[str]:
        """The keys within bounds, in their order."""
        cut = bounds.cut
        return [key[cut:].decode() for key in self.keys(bounds, limit)]

    def list_records(self, bounds: "Bounds", limit: int | None) -> list[Record]:
        """The records within bounds, in their order."""
        found = list(islice(_live_records(self.main, bounds, self.now), limit))
        if self.ephemeral is not None:
            shelf = islice(_live_records(self.ephemeral, bounds, self.now), limit)
            merged = {record.key: record for record in (*found, *shelf)}
            found = sorted(merged.values(), key=lambda record: record.key, reverse=bounds.reverse)[:limit]
        return found

    def count(self, bounds: "Bounds") -> int:
        """How many keys there are within bounds."""
        if self.ephemeral is not None:
            return len(self.keys(bounds, None))
        number = 0
        for _ in _live_keys(self.main, bounds, self.now):
            number += 1
        return number

    def list_scopes(self, prefix: str) -> list[str]:
        """The texts of the scopes that hold something and begin with `prefix`, in byte order."""
        begins = keys.STATE + encode_text(prefix, "prefix")
        found = set(_live_scopes(self.main, begins, self.now))
        if self.ephemeral is not None:
            found.update(_live_scopes(self.ephemeral, begins, self.now))
        return [scope.decode() for scope in sorted(found)]

    def _begin(self, block: "AbstractContextManager[ReadTransaction]") -> "ReadTransaction":
        try:
            txn = block.__enter__()
        except BaseException:
            self.__exit__(*exc_info())
            raise
        self._blocks.append(block)
        return txn


class Bounds:
    """A range of record keys of one scope: those with a prefix, after a key in the order of listing."""

    __slots__ = ("cut", "end", "reverse", "start")

    def __init__(self, scope: "Scope", prefix: str = "", after: str | None = None, reverse: bool = False) -> None:
        self.cut = len(scope.prefix)
        self.reverse = reverse
        longest = keys.MAX_STATE_KEY_BYTES + 1
        # Nothing stored is as long as `longest`, so cutting off there changes no comparison.
        self.start = (scope.prefix + encode_text(prefix, "prefix"))[:longest]
        self.end = self.start + keys.AFTER_TEXT
        if after is not None:
            last = (scope.prefix + encode_text(after, "after"))[:longest]
            if reverse:
                self.end = min(self.end, last)
            else:
                self.start = max(self.start, last + b"\0")


def _live_keys(txn: "ReadTransaction", bounds: Bounds, now: int) -> "Iterator[bytes]":
    if bounds.start >= bounds.end:
        return iter(())
    found = txn.scan_keys(bounds.start, bounds.end, reverse=bounds.reverse)
    expired = Expired(txn, now)
    return (key for key in found if key not in expired) if expired else found


def _live_records(txn: "ReadTransaction", bounds: Bounds, now: int) -> "Iterator[Record]":
    if bounds.start >= bounds.end:
        return
    for key, value in txn.scan(bounds.start, bounds.end, reverse=bounds.reverse):
        record = Record(key, value)
        if not record.is_expired(now):
            yield record


def _live_scopes(txn: "ReadTransaction", begins: bytes, now: int) -> "Iterator[bytes]":
    """The scopes with a record that has not expired, each found by one jump past the one before."""
    if len(begins) > _MAX_SCOPE_BYTES or b"\0" in begins:
        return
    expired = Expired(txn, now)
    position, end = begins, begins + keys.AFTER_TEXT
    while True:
        found = txn.scan_keys(position, end)
        key = next((key for key in found if key not in expired) if expired else found, None)
        if key is None:
            return
        scope = key[: key.index(b"\0")]
        yield scope[1:]
        position = scope + b"\1"
