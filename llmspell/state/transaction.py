"""Transactions of the state: every change of records, with its journal entry, its expiry index and its version."""

from _thread import get_ident
from math import inf
from struct import Struct
from sys import exc_info
from time import monotonic
from zlib import crc32

from llmspell.errors import Conflict, Corrupt, LlmspellError, StorageError, Timeout
from llmspell.state import ephemeral, expiry, journal
from llmspell.state.entry import DELETE, EXPIRE, SAVE, Commit
from llmspell.storage import keys, record
from llmspell.storage.record import EPHEMERAL, EXPIRY_OFFSET, FORMAT, HEADER_BYTES, INTACT, NO_EXPIRY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from types import TracebackType

    from llmspell.state.manager import StateManager
    from llmspell.storage.store import ReadTransaction, WriteTransaction

_HEAD = Struct("<QqQ")
_HEAD_CRC = crc32(keys.HEAD)
_MAX_STEP_BACK = 3_600_000_000
"""A clock that stepped back by less than this, in µs, does not move the times of commits back."""


class Head:
    """Version and time (µs) of the last commit; from version `floor` on the journal is complete.

    With a journal, its newest entry tells version and time, and what is stored under `keys.HEAD` is as old as the floor.
    """

    __slots__ = ("at", "floor", "version")

    def __init__(self, version: int = 0, at: int = 0, floor: int = 0) -> None:
        self.version = version
        self.at = at
        self.floor = floor

    @classmethod
    def read(cls, txn: "ReadTransaction") -> "Head":
        """Raises Corrupt when it is damaged. A store that was never written to is at version 0."""
        value = txn.get(keys.HEAD)
        head = cls() if value is None else cls.unpack(value)
        newest = next(txn.scan(keys.JOURNAL, keys.next_space(keys.JOURNAL), reverse=True), None)
        if newest is not None:
            part = journal.Part(*newest)
            if part.version > head.version:
                head.version, head.at = part.version, part.at
        return head

    @classmethod
    def unpack(cls, value: bytes) -> "Head":
        """What is stored under `keys.HEAD`; raises Corrupt."""
        if crc32(value, _HEAD_CRC) != INTACT or len(value) != _HEAD.size + 4:
            raise Corrupt("the store's version counter is damaged (its checksum does not match)")
        return cls(*_HEAD.unpack_from(value))

    def write(self, txn: "WriteTransaction") -> None:
        packed = _HEAD.pack(self.version, self.at, self.floor)
        txn.put(keys.HEAD, packed + crc32(packed, _HEAD_CRC).to_bytes(4, "little"))


class KnownHead:
    """What a manager knows of the head since its last commit, to read it anew only when somebody else has written."""

    __slots__ = ("_generation", "_head")

    def __init__(self) -> None:
        self._head = Head()
        self._generation = -1
        """The generation of the store that the head belongs to; -1 while that is not known."""

    def take(self, txn: "WriteTransaction", following: int | None) -> Head:
        """The head for `txn` to change. Unless it is put back, the next one is read from the store."""
        if following is None or self._generation + 1 != following:
            self._head = Head.read(txn)
        self._generation = -1
        return self._head

    def put_back(self, generation: int) -> None:
        """The transaction has committed, and left the store at `generation`."""
        self._generation = generation


class Transaction:
    """One writing transaction, of the thread that began it. A context manager: commits when its block ends well.

    All changes share `version` and the time `now`; `changes` holds the operation on every record key so far. `main` is
    the store's own transaction: what other domains write there commits together with the state. After `deadline` (of
    `time.monotonic()`) every operation, and the commit, raises Timeout and nothing is saved. When an operation breaks
    off half-way (a full disk), the whole transaction is undone, even if its error was caught.
    """

    __slots__ = (
        "_after", "_block", "_floor", "_following", "_has_removed", "_is_touched", "_is_written", "_manager", "_policy",
        "_seconds", "_shelf_block", "_stamps", "_undone", "changes", "deadline", "failure", "head", "main", "now", "savepoints",
        "shelf", "thread", "version",
    )  # fmt: skip

    def __init__(self, manager: "StateManager", seconds: float | None = None) -> None:
        self._manager = manager
        self._seconds = seconds
        self._stamps: dict[int, bytes] = {}
        self._policy = manager.journal_policy
        self.shelf: WriteTransaction | None = None
        self._has_removed = False
        self._is_touched = False
        self._is_written = False
        self._after: list[Callable[[], None]] | None = None
        self._undone: list[Callable[[], None]] | None = None
        self.failure: BaseException | None = None
        self.changes: dict[bytes, int] = {}
        self.savepoints: list[Savepoint] = []
        self.thread = get_ident()

    def __enter__(self) -> "Transaction":
        manager = self._manager
        self._block = manager.store.write(timeout=manager.busy_seconds)
        self.main = self._block.__enter__()
        try:
            self._following = self.main.next_generation()
            self.head = head = manager.known_head.take(self.main, self._following)
            now = manager.clock()
            self.now = head.at if 0 < head.at - now < _MAX_STEP_BACK else now
            self.version = head.version + 1
            self._floor = head.floor
            self.deadline = inf if self._seconds is None else monotonic() + self._seconds
        except BaseException:
            self._block.__exit__(*exc_info())
            raise
        manager.current = self
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        manager = self._manager
        if self.savepoints:
            while self.savepoints:
                self.savepoints[-1].leave(StorageError, None, None)
            self.failure = StorageError("a savepoint in it had not ended")
        if kind is None:
            try:
                self._finish()
            except BaseException:
                manager.current = None
                try:
                    self._leave(*exc_info())
                finally:
                    _act(self._undone)
                raise
        manager.current = None
        try:
            self._leave(kind, error, trace)
        except BaseException:
            _act(self._undone)
            raise
        if kind is not None:
            return
        if self._following is not None:
            manager.known_head.put_back(self._following if self._is_written else self._following - 1)
        if manager.listeners and self.changes:
            commit = Commit(self.version, self.now, manager.current_correlation_id(), self.changes)
            for listener in manager.listeners:
                listener(commit)
        if self._after is not None:
            _act(self._after)

    def touch(self) -> None:
        """Say that another domain writes into `main`: the commit gets its version even if no key of the state changes."""
        self._is_touched = True

    def skip(self, count: int) -> int:
        """Leave out `count` versions for moments of a past that comes from elsewhere; gives the first of them.

        Only before anything is changed.
        """
        first = self.version
        self.version += count
        return first

    def afterwards(self, act: "Callable[[], None]") -> None:
        """Call `act` when the commit is done; never when the transaction, or the savepoint that is open now, is undone.

        It must not raise: what it is to tell about has happened.
        """
        if self._after is None:
            self._after = []
        self._after.append(act)

    def otherwise(self, act: "Callable[[], None]") -> None:
        """Call `act` when the commit has failed. For participants, who are asked when only that can go wrong; must not raise."""
        if self._undone is None:
            self._undone = []
        self._undone.append(act)

    def planned(self) -> int:
        """How many acts wait for the commit."""
        return 0 if self._after is None else len(self._after)

    def forget(self, count: int) -> None:
        """Keep only the first `count` of the acts that wait for the commit."""
        if self._after is not None:
            del self._after[count:]

    def check_deadline(self) -> None:
        """Raise Timeout when the time of the transaction is over."""
        if monotonic() > self.deadline:
            raise Timeout(
                f"the transaction took longer than {self._seconds or 0:g} seconds; none of it was saved",
                hint="do less in one transaction, or raise transaction_timeout_ms in [state]",
            )

    def check_failure(self) -> None:
        """Raise when an operation has broken off half-way: what it left must not be committed."""
        failure = self.failure
        if failure is None:
            return
        if isinstance(failure, LlmspellError):
            raise type(failure)(f"the transaction was undone: {failure.message}", hint=failure.hint) from failure
        raise StorageError("the transaction was undone: an operation in it did not end") from failure

    def fetch(self, key: bytes) -> bytes | None:
        """The record at `key` as it is stored, verified; also an expired one."""
        if self._manager.ephemeral_store is not None:
            value = self.open_shelf().get(key)
            if value is not None and not is_expired(value, self._manager.clock):
                return value
        value = self.main.get(key)
        if value is not None and (crc32(value, crc32(key)) != INTACT or value[0] != FORMAT):
            raise record.damage(key, value)
        return value

    def delete(self, key: bytes, if_version: int | None = None) -> bool:
        """Remove a record; whether it was there (an expired one was not)."""
        self.check_deadline()
        old = self.fetch(key)
        if if_version is not None:
            self._compare(key, old, if_version)
        if old is None or is_expired(old, self._manager.clock):
            return False
        self.remove(key)
        return True

    def put(
        self,
        key: bytes,
        payload: bytes,
        class_code: int,
        ttl: int = 0,
        expires_at: int = 0,
        if_version: int | None = None,
    ) -> None:
        """Set a record; it keeps its time of creation. It expires `ttl` µs from now, or at `expires_at`; 0 is never.

        Raises Conflict when `if_version` does not fit.
        """
        if monotonic() > self.deadline:
            self.check_deadline()
        manager = self._manager
        if manager.guard is not None:
            manager.guard.before_save(self.main, key, payload, class_code)
            self._stamps.clear()  # what is current may have changed within this transaction
        if class_code == EPHEMERAL or (manager.ephemeral_store is not None and self.open_shelf().get(key) is not None):
            self._change_place(key, payload, class_code, ttl, expires_at, if_version)
            return
        # `fetch`, inlined: this is the path of every save.
        old = self.main.get(key)
        created_at = now = self.now
        if old is not None:
            if crc32(old, crc32(key)) != INTACT or old[0] != FORMAT:
                raise record.damage(key, old)
            if not is_expired(old, manager.clock):
                created_at = record.TIMES.unpack_from(old, record.TIMES_OFFSET)[0]
        if if_version is not None:
            self._compare(key, old, if_version)
        if ttl:
            expires_at = manager.clock() + ttl
        stamp = self._stamps.get(class_code) or self._stamp(class_code)
        try:
            self._write(key, old, stamp + record.TIMES.pack(created_at, now, expires_at), payload, expires_at)
        except BaseException as error:
            self.failure = error
            raise

    def reinstate(self, key: bytes, saved: record.Record, version: int = 0) -> None:
        """Set a record to an earlier one, with its class, schema version, expiry and time of creation.

        `version`, by default that of the commit, is for a key that was never there: a checkpoint of that version knows it.
        """
        try:
            if self._manager.ephemeral_store is not None:
                ephemeral.remove(self.open_shelf(), key)
            stamp = record.STAMP.pack(FORMAT, saved.class_code, *saved.schema, version or self.version)
            times = record.TIMES.pack(saved.created_at, self.now, saved.expires_at)
            self._write(key, self.main.get(key), stamp + times, saved.payload, saved.expires_at)
        except BaseException as error:
            self.failure = error
            raise

    def remove(self, key: bytes) -> None:
        """Take a record away, wherever it is."""
        old = self.main.get(key)
        if old is not None:
            record.check(key, old)
        try:
            if self._manager.ephemeral_store is not None:
                ephemeral.remove(self.open_shelf(), key)
            if old is not None:
                self.take(key, old, DELETE)
        except BaseException as error:
            self.failure = error
            raise

    def take(self, key: bytes, old: bytes, operation: int) -> None:
        """Take the durable record `old` away; `operation` is DELETE or EXPIRE."""
        self._has_removed = True
        self._retire(key, old, operation)
        self.main.delete(key)
        self.changes[key] = operation

    def rewrite(self, changes: "Iterable[tuple[bytes, bytes, bytes]]", schema: tuple[int, int, int]) -> None:
        """Replace payload and schema version of durable records, given as key, the verified record, and the new payload.

        Their class and their times of creation and expiry stay.
        """
        policy, put, done = self._policy, self.main.put, self.changes
        now = self.now.to_bytes(8, "little", signed=True)
        stamps = [record.STAMP.pack(FORMAT, code, *schema, self.version) for code in range(len(record.CLASS_NAMES))]
        history_end = b"\0" + self.version.to_bytes(8, "big")
        own_version = self.version.to_bytes(8, "little")
        retired = journal.retired_header(SAVE, self.now)
        created, updated = record.TIMES_OFFSET, record.TIMES_OFFSET + 8
        try:
            for key, old, payload in changes:
                if policy is not None and old[8:16] != own_version:
                    history_key = b"h" + key[1:] + history_end
                    put(history_key, retired + crc32(retired, crc32(history_key)).to_bytes(4, "little") + old)
                    if policy.keep_versions:
                        journal.thin(self.main, key, self.version, policy.keep_versions)
                elif policy is None:
                    self._keep(key, old, SAVE, self.now)
                head = stamps[old[1]] + old[created:updated] + now + old[EXPIRY_OFFSET:HEADER_BYTES]
                put(key, head + payload + crc32(payload, crc32(head, crc32(key))).to_bytes(4, "little"))
                done[key] = SAVE
        except BaseException as error:
            self.failure = error
            raise

    def put_back(self, key: bytes, original: bytes, version: int) -> None:
        """Undo what `rewrite` did to a record at `version`, byte for byte, also in the history of its key.

        The journal tells that the key has changed, but not that its history has: so whoever calls this writes `keys.EPOCH`.
        """
        try:
            self.main.put(key, original)
            self.main.delete(keys.history_key(key, version))
            self.changes[key] = SAVE
        except BaseException as error:
            self.failure = error
            raise

    def open_shelf(self) -> "WriteTransaction":
        """The transaction of the memory store for ephemeral values, begun when it is first needed."""
        if self.shelf is None:
            self._shelf_block = self._manager.open_ephemeral_store().write()
            self.shelf = self._shelf_block.__enter__()
        return self.shelf

    def ephemeral_keys(self, start: bytes, end: bytes) -> list[bytes]:
        """The keys of the ephemeral values with `start <= key < end`."""
        return [] if self._manager.ephemeral_store is None else list(self.open_shelf().scan_keys(start, end))

    def _compare(self, key: bytes, old: bytes | None, wanted: int) -> None:
        version = 0
        if old is not None and not is_expired(old, self._manager.clock):
            version = record.Record(key, old).version
        if version == wanted:
            return
        scope, name = keys.split(key)
        if version == 0:
            raise Conflict(f"'{name}' in scope '{scope}' does not exist, so it is not at version {wanted}")
        if wanted == 0:
            raise Conflict(f"'{name}' in scope '{scope}' exists already, at version {version}")
        raise Conflict(f"'{name}' in scope '{scope}' is at version {version}, not at {wanted}")

    def _retire(self, key: bytes, old: bytes, operation: int) -> None:
        """Hand the record that is about to go to the journal, and drop its expiry."""
        at = self.now
        if old[EXPIRY_OFFSET:HEADER_BYTES] != NO_EXPIRY:
            expires_at = int.from_bytes(old[EXPIRY_OFFSET:HEADER_BYTES], "little")
            self.main.delete(keys.expiry_key(expires_at, key))
            if expires_at <= self._manager.clock():
                operation, at = EXPIRE, expires_at
        if self._policy is None:
            self._keep(key, old, operation, at)
            return
        if int.from_bytes(old[record.VERSION], "little") == self.version:
            # A record of this very commit was never visible to anyone, so it leaves no trace.
            if operation != SAVE:
                journal.amend(self.main, key, self.version, operation, self.now)
        else:
            history_key = keys.history_key(key, self.version)
            self.main.put(history_key, journal.pack_retired(history_key, operation, at, old))
            if self._policy.keep_versions:
                journal.thin(self.main, key, self.version, self._policy.keep_versions)

    def _keep(self, key: bytes, old: bytes, operation: int, at: int) -> None:
        """Without a journal: what a checkpoint needs stays."""
        if key.startswith(keys.SESSION_SCOPES):
            from llmspell.state import kept

            kept.keep(self.main, key, self.version, operation, at, old)

    def _write(self, key: bytes, old: bytes | None, header: bytes, payload: bytes, expires_at: int) -> None:
        """Put a durable record in the place of `old`."""
        if old is not None:
            self._retire(key, old, SAVE)
        elif self._has_removed and self._policy is not None:
            journal.amend(self.main, key, self.version, SAVE, self.now)
        self.main.put(key, record.seal(key, header, payload))
        if expires_at:
            self.main.put(keys.expiry_key(expires_at, key), b"")
            self._manager.expect_expiry(expires_at)
        self.changes[key] = SAVE

    def _change_place(
        self, key: bytes, payload: bytes, class_code: int, ttl: int, expires_at: int, if_version: int | None
    ) -> None:
        """`put` where an ephemeral value is saved, or a durable one in its place."""
        shelf, clock = self.open_shelf(), self._manager.clock
        old = self.fetch(key)
        if if_version is not None:
            self._compare(key, old, if_version)
        created_at = self.now if old is None or is_expired(old, clock) else record.Record(key, old).created_at
        if ttl:
            expires_at = clock() + ttl
        durable = self.main.get(key)
        if durable is not None:
            record.check(key, durable)
        times = created_at, self.now, expires_at
        try:
            if class_code == EPHEMERAL:
                if durable is not None:
                    self.take(key, durable, DELETE)
                ephemeral.put(shelf, self._manager, key, payload, self._schema(), times, shelf.get(key))
                return
            ephemeral.remove(shelf, key)
            self._write(key, durable, self._stamp(class_code) + record.TIMES.pack(*times), payload, expires_at)
        except BaseException as error:
            self.failure = error
            raise

    def _stamp(self, class_code: int) -> bytes:
        stamp = record.STAMP.pack(FORMAT, class_code, *self._schema(), self.version)
        self._stamps[class_code] = stamp
        return stamp

    def _schema(self) -> tuple[int, int, int]:
        guard = self._manager.guard
        return self._manager.schema if guard is None else guard.version(self.main)

    def _finish(self) -> None:
        """What belongs to the commit: a little sweeping, the journal entry, and the version."""
        self.check_failure()
        self.check_deadline()
        manager = self._manager
        if self.shelf is not None:
            ephemeral.sweep(self.shelf, manager.clock())
        head = self.head
        if self.changes or self._is_touched:
            if self.now >= manager.sweep_due:
                # What expired only while this transaction ran was still there at the time of its commit.
                manager.sweep_due = expiry.sweep(self, min(self.now, manager.clock()))
            head.version, head.at = self.version, self.now
            if self._policy is None:
                head.floor = self.version
            else:
                if self.now >= manager.compact_due:
                    manager.compact_due = journal.compact(self, self._policy)
                cause = manager.current_correlation_id()
                journal.write_commit(self.main, self.version, self.now, cause, self.changes)
            for participant in manager.participants:
                participant(self)
            self._is_written = True
        if (self._policy is None and self._is_written) or head.floor != self._floor:
            head.write(self.main)
            self._is_written = True

    def _leave(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        """Commit or undo: the store first, because a commit in memory cannot fail."""
        try:
            self._block.__exit__(kind, error, trace)
        except BaseException:
            if self.shelf is not None:
                self._shelf_block.__exit__(*exc_info())
            raise
        if self.shelf is not None:
            self._shelf_block.__exit__(kind, error, trace)


class Joined:
    """The open transaction, for a block that is a part of it like any other."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def __enter__(self) -> Transaction:
        return self._transaction

    def __exit__(self, *_: object) -> None:
        pass


class Savepoint:
    """A part of a transaction that is undone alone when its block raises. Gives the transaction itself."""

    __slots__ = ("_blocks", "_changes", "_failure", "_planned", "_transaction")

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._blocks: list[AbstractContextManager[None]] = []

    def __enter__(self) -> Transaction:
        transaction = self._transaction
        transaction.check_deadline()
        self._changes = transaction.changes
        self._failure = transaction.failure
        self._planned = transaction.planned()
        # Begun now, so that what happens to ephemeral values in here has something to go back to.
        for store in (transaction.main, transaction.open_shelf()):
            block = store.savepoint()
            block.__enter__()
            self._blocks.append(block)
        transaction.changes = {}
        transaction.savepoints.append(self)
        return transaction

    def __exit__(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        transaction = self._transaction
        if self not in transaction.savepoints:
            if kind is None:
                raise StorageError("the transaction has ended before its savepoint, and was undone")
            return
        try:
            if kind is None:
                transaction.check_failure()
        except BaseException:
            self.leave(*exc_info())
            raise
        self.leave(kind, error, trace)

    def leave(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        """Keep what was done in it, or undo that when `kind` is an error."""
        transaction = self._transaction
        transaction.savepoints.remove(self)
        if kind is None:
            self._changes.update(transaction.changes)
        else:
            transaction.failure = self._failure
            transaction.forget(self._planned)
        transaction.changes = self._changes
        try:
            for block in reversed(self._blocks):
                block.__exit__(kind, error, trace)
        except BaseException as problem:
            transaction.failure = problem
            raise


def _act(acts: "list[Callable[[], None]] | None") -> None:
    for act in acts or ():
        act()


def is_expired(value: bytes, clock: "Callable[[], int]") -> bool:
    """Whether a stored record has expired; the clock is only asked when there is something to compare."""
    expires_at = value[EXPIRY_OFFSET:HEADER_BYTES]
    return expires_at != NO_EXPIRY and int.from_bytes(expires_at, "little") <= clock()
