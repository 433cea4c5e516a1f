"""`LmdbStore`: a store in a folder, on LMDB. Many processes may use it at once; every commit is on disk.

A process that is killed, at any moment, leaves the store as its last commit left it. So does a power cut, unless the
store was opened without syncing.
"""

import os

from lmdb import BadValsizeError
from lmdb import Error as LmdbError

from llmspell.errors import Corrupt, LlmspellError, ReadOnly
from llmspell.storage import environment, pieces
from llmspell.storage.fault import explain
from llmspell.storage.pieces import MARK, PIECE_BYTES
from llmspell.storage.scan import resume
from llmspell.storage.store import BACK_ENDS_OWN as OWN
from llmspell.storage.store import MAX_KEY_BYTES, ReadTransaction, Store, WriteTransaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from lmdb import Cursor, Transaction

    from llmspell.storage.environment import Environment

DEFAULT_MAP_SIZE = 1 << 40
"""Address space, not disk: the file is as long as its content needs. Where it is refused, a smaller map is taken."""


class LmdbRead(ReadTransaction):
    __slots__ = ("_environment", "_txn")

    def __init__(self, shared: "Environment") -> None:
        self._environment = shared

    def __enter__(self) -> "LmdbRead":
        shared = self._environment
        try:
            self._txn = shared.begin()
        except LmdbError as error:
            shared.recover(error)
            self._txn = shared.begin()
        shared.transactions.add(self)
        return self

    def __exit__(self, *_: object) -> None:
        shared = self._environment
        if shared.is_lost:
            return
        shared.transactions.discard(self)
        self._txn.abort()

    def get(self, key: bytes) -> bytes | None:
        try:
            value = self._txn.get(key)
        except BadValsizeError:
            return None
        except LmdbError as error:
            raise explain(error, self._environment.path) from error
        if value is not None and value.startswith(MARK):
            return pieces.join(self._txn.get, key, value)
        return value

    def scan(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[tuple[bytes, bytes]]":
        return _scan(self._txn, start, end, reverse, self._environment.path)

    def scan_keys(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[bytes]":
        return _scan_keys(self._txn, start, end, reverse, self._environment.path)


class LmdbWrite(WriteTransaction):
    """Savepoints are LMDB's nested transactions: `_txn` is the innermost one.

    A transaction that has met a full disk can only be undone, so its first failure is raised again at its end, also
    when the block has swallowed it. One that failed within a savepoint is over with it.
    """

    __slots__ = ("_environment", "_failure", "_has_pieces", "_timeout", "_txn", "changes")

    def __init__(self, shared: "Environment", timeout: float | None) -> None:
        self._environment = shared
        self._timeout = timeout
        self._failure: LlmspellError | None = None
        self.changes = 0

    def __enter__(self) -> "LmdbWrite":
        shared = self._environment
        shared.turn.acquire(self._timeout)
        try:
            try:
                self._txn = shared.begin(write=True)
            except LmdbError as error:
                shared.recover(error)
                self._txn = shared.begin(write=True)
        except LmdbError as error:
            shared.turn.release()
            raise explain(error, shared.path) from error
        except BaseException:
            shared.turn.release()
            raise
        # Where no value is in pieces, no put has to look for those of the value before.
        with self._txn.cursor() as cursor:
            self._has_pieces = cursor.set_range(OWN)
        shared.transactions.add(self)
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        shared = self._environment
        if shared.is_lost:
            # The transaction belongs to the parent: neither ending can be left to LMDB.
            if kind is None:
                shared.begin()
            return
        try:
            if kind is not None:
                self._txn.abort()
            elif self._failure is not None:
                self._txn.abort()
                raise self._failure
            else:
                self._txn.commit()
        except LmdbError as problem:
            raise explain(problem, shared.path) from problem
        finally:
            shared.transactions.discard(self)
            shared.turn.release()

    def get(self, key: bytes) -> bytes | None:
        try:
            value = self._txn.get(key)
        except BadValsizeError:
            return None
        except LmdbError as error:
            raise self._fail(error) from error
        if value is not None and value.startswith(MARK):
            return pieces.join(self._txn.get, key, value)
        return value

    def scan(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[tuple[bytes, bytes]]":
        return resume(self, self._read, start, end, reverse, pairs=True)

    def scan_keys(self, start: bytes, end: bytes | None = None, *, reverse: bool = False) -> "Iterator[bytes]":
        return resume(self, self._read_keys, start, end, reverse, pairs=False)

    def put(self, key: bytes, value: bytes) -> None:
        if type(key) is not bytes or type(value) is not bytes:
            key, value = bytes(memoryview(key)), bytes(memoryview(value))
        if key >= OWN:
            raise ValueError("a key that begins with 0xff is the back end's own")
        try:
            if self._has_pieces or len(value) > PIECE_BYTES or value.startswith(MARK):
                self._put_cut(key, value)
            else:
                self._txn.put(key, value)
        except BadValsizeError:
            raise ValueError(f"a key has 1 to {MAX_KEY_BYTES} bytes, not {len(key)}") from None
        except LmdbError as error:
            raise self._fail(error) from error
        self.changes += 1

    def delete(self, key: bytes) -> bool:
        if key >= OWN:
            return False
        try:
            if self._has_pieces:
                self._drop_pieces(key)
            was_there = self._txn.delete(key)
        except BadValsizeError:
            return False
        except LmdbError as error:
            raise self._fail(error) from error
        self.changes += 1
        return was_there

    def next_generation(self) -> int:
        return self._txn.id()

    def _put_cut(self, key: bytes, value: bytes) -> None:
        """Put a value, cut if that is better, and drop the pieces of the value before."""
        txn = self._txn
        if self._has_pieces:
            self._drop_pieces(key)
        count = len(value) // PIECE_BYTES if len(value) > PIECE_BYTES and pieces.is_cut(value) else 0
        if count:
            first = self._next_piece()
            for number in range(count):
                part = value[number * PIECE_BYTES : (number + 1) * PIECE_BYTES]
                txn.put(pieces.key_of(first + number), part, append=True)
            value = pieces.head(key, value, count, first)
        elif value.startswith(MARK):
            value = pieces.head(key, value, 0, 0)
        txn.put(key, value)

    def _next_piece(self) -> int:
        """The number of the next piece, above all others."""
        txn, number = self._txn, 0
        if self._has_pieces:
            with txn.cursor() as cursor:
                if cursor.last() and cursor.key() >= OWN:
                    number = int.from_bytes(cursor.key()[1:], "big") + 1
        self._has_pieces = True
        if number == 0:
            # A piece on a page that other entries share would leave their pages half empty from then on, as the next ones come
            # between. So the first one holds nothing: it fills that page up, and goes when there is enough on it to stay apart.
            txn.put(pieces.key_of(pieces.FILLER), bytes(PIECE_BYTES), append=True)
            number = pieces.FILLER + 1
        elif pieces.FILLER_GOES_AT <= number < pieces.FILLER_GOES_AT + 4:
            txn.delete(pieces.key_of(pieces.FILLER))
        return number

    def _drop_pieces(self, key: bytes) -> None:
        """Drop the pieces of the value that is under a key; those of a damaged one stay where they are."""
        old = self._txn.get(key)
        if old is not None and old.startswith(MARK):
            try:
                piece_keys = pieces.keys_of(key, old)
            except Corrupt:
                return
            for piece_key in piece_keys:
                self._txn.delete(piece_key)

    def savepoint(self) -> "LmdbSavepoint":
        return LmdbSavepoint(self)

    def begin_part(self) -> "tuple[Transaction[bytes], LlmspellError | None]":
        """Go on in a nested transaction; gives what `end_part` needs."""
        before = self._txn, self._failure
        try:
            self._txn = self._environment.begin(write=True, parent=before[0])
        except LmdbError as error:
            raise self._fail(error) from error
        self.changes += 1
        return before

    def end_part(self, before: "tuple[Transaction[bytes], LlmspellError | None]", *, keep: bool) -> None:
        """Keep or undo the nested transaction and go on in the one before it."""
        part, failure = self._txn, self._failure
        self._txn, self._failure = before
        self.changes += 1
        try:
            if not keep:
                part.abort()
            elif failure is not self._failure and failure is not None:
                part.abort()
                raise failure
            else:
                part.commit()
        except LmdbError as error:
            raise explain(error, self._environment.path) from error

    def _fail(self, error: LmdbError) -> LlmspellError:
        failure = explain(error, self._environment.path)
        if self._failure is None:
            self._failure = failure
        return failure

    def _read(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[tuple[bytes, bytes]]":
        return _scan(self._txn, start, end, reverse, self._environment.path)

    def _read_keys(self, start: bytes, end: bytes | None, reverse: bool) -> "Iterator[bytes]":
        return _scan_keys(self._txn, start, end, reverse, self._environment.path)


class LmdbSavepoint:
    """A nested transaction as a context manager."""

    __slots__ = ("_before", "_transaction")

    def __init__(self, transaction: LmdbWrite) -> None:
        self._transaction = transaction

    def __enter__(self) -> None:
        self._before = self._transaction.begin_part()

    def __exit__(self, kind: "type[BaseException] | None", *_: object) -> None:
        self._transaction.end_part(self._before, keep=kind is None)


class LmdbStore(Store):
    """The store in the folder `path`, which is created, with those above it, unless `read_only`.

    Without `sync` commits are faster, survive the end of the process, and may leave a ruined file when the machine
    loses power: for scratch copies. Several objects of one process may be open on one folder.
    """

    name = "disk"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        map_size: int = DEFAULT_MAP_SIZE,
        read_only: bool = False,
        sync: bool = True,
    ) -> None:
        self._environment = environment.share(os.fspath(path), map_size=map_size, read_only=read_only, sync=sync)
        self._is_read_only = read_only
        self._is_open = True

    @property
    def path(self) -> str:
        """The folder, as an absolute path."""
        return self._environment.path

    def read(self) -> LmdbRead:
        return LmdbRead(self._environment)

    def get(self, key: bytes) -> bytes | None:
        try:
            value = self._environment.begin().get(key)
        except BadValsizeError:
            return None
        except LmdbError as error:
            self._environment.recover(error)
            value = self._environment.begin().get(key)
        if value is not None and value.startswith(MARK):
            with self.read() as txn:
                return txn.get(key)
        return value

    def generation(self) -> int:
        try:
            return self._environment.begin().id()
        except LmdbError as error:
            self._environment.recover(error)
        return self._environment.begin().id()

    def write(self, *, timeout: float | None = None) -> LmdbWrite:
        """Raises ReadOnly when the store was opened for reading only.

        `timeout` covers waiting for every writer that uses this class, in any process. Another program that opens the
        file through LMDB itself is waited for without a limit.
        """
        if self._is_read_only:
            raise self._refuse_writing()
        return LmdbWrite(self._environment, timeout)

    def fill(self, *, timeout: float | None = None) -> LmdbWrite:
        """Takes memory for one part at a time where nobody else has the store open; others then wait when they open it."""
        from llmspell.storage.filling import LmdbFill

        if self._is_read_only:
            raise self._refuse_writing()
        return LmdbFill(self._environment, timeout)

    def is_wanted(self) -> bool:
        return self._environment.turn.is_wanted()

    def sync(self) -> None:
        self._environment.begin().abort()
        self._environment.sync()

    def relax(self) -> None:
        from llmspell.storage.resident import release

        release(os.path.join(self.path, environment.DATA))

    def close(self) -> None:
        """Waits a few seconds for a write transaction of another thread; raises StorageBusy, and stays open, after that.

        Transactions that are open otherwise are undone.
        """
        if self._is_open:
            shared = self._environment
            shared.sync()
            environment.leave(shared)
            self._is_open = False
            self._environment = environment.closed(shared)

    def verify(self) -> list[str]:
        """Reads every page in use. Writers wait meanwhile only when a first look, without a lock, finds damage."""
        self._environment.begin().abort()
        problems = verify_files(self.path)
        if problems and not self._is_read_only:
            with self.write():
                problems = verify_files(self.path)
        return problems

    def _refuse_writing(self) -> ReadOnly:
        return ReadOnly(f"the store at {self.path} was opened for reading only")

    def info(self) -> dict[str, object]:
        """Also `map_size` and the number of `readers`, in bytes and slots of the lock file."""
        facts = self._environment.measure()
        return {
            "path": self.path,
            "entries": facts["entries"],
            "bytes_used": facts["pages"] * facts["page_size"],
            "persistent": True,
            "processes": True,
            "map_size": facts["map_size"],
            "readers": facts["readers"],
        }


def verify_files(path: str | os.PathLike[str]) -> list[str]:
    """What is wrong with the structure of the store in the folder `path`, which need not be open.

    LMDB takes no part in it, so it is safe with any file. What it finds while somebody writes may be an illusion.
    """
    from llmspell.storage.structure import find_damage

    return find_damage(os.path.join(path, environment.DATA))


def _scan(
    txn: "Transaction[bytes]", start: bytes, end: bytes | None, reverse: bool, path: str
) -> "Iterator[tuple[bytes, bytes]]":
    if end is None or end > OWN:
        end = OWN
    try:
        cursor = txn.cursor()
        if reverse:
            if _is_before(cursor, end):
                for pair in cursor.iterprev():
                    if pair[0] < start:
                        return
                    value = pair[1]
                    yield (pair[0], pieces.join(txn.get, pair[0], value)) if value.startswith(MARK) else pair
        elif cursor.set_range(start):
            for pair in cursor.iternext():
                if pair[0] >= end:
                    return
                value = pair[1]
                yield (pair[0], pieces.join(txn.get, pair[0], value)) if value.startswith(MARK) else pair
    except LmdbError as error:
        raise explain(error, path) from error


def _scan_keys(
    txn: "Transaction[bytes]", start: bytes, end: bytes | None, reverse: bool, path: str
) -> "Iterator[bytes]":
    if end is None or end > OWN:
        end = OWN
    try:
        cursor = txn.cursor()
        if reverse:
            if _is_before(cursor, end):
                for key in cursor.iterprev(keys=True, values=False):
                    if key < start:
                        return
                    yield key
        elif cursor.set_range(start):
            for key in cursor.iternext(keys=True, values=False):
                if key >= end:
                    return
                yield key
    except LmdbError as error:
        raise explain(error, path) from error


def _is_before(cursor: "Cursor[bytes]", end: bytes) -> bool:
    """Put the cursor on the last key below `end`; whether there is one."""
    return cursor.prev() if cursor.set_range(end) else cursor.last()
