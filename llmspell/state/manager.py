"""`StateManager`: everything a script's `State` does, for payloads and for Python values."""

from _thread import get_ident
from time import perf_counter_ns, sleep, time_ns
from zlib import crc32

from llmspell import values
from llmspell.errors import BadArgument, BadValue
from llmspell.state import ephemeral, expiry, number, past
from llmspell.state import journal as journal_
from llmspell.state.classes import ClassRules, class_code
from llmspell.state.entry import Change, Commit, Entry, Revision
from llmspell.state.journal import JournalPolicy
from llmspell.state.key import state_key
from llmspell.state.limits import LONGEST_NULL, NULLS, admit, check_limit, check_version, is_null, ttl_micros
from llmspell.state.metrics import SAMPLED, Metrics
from llmspell.state.scope import Scope
from llmspell.state.transaction import Head, Joined, KnownHead, Savepoint, Transaction, is_expired
from llmspell.state.view import Bounds, View
from llmspell.storage import record
from llmspell.storage.record import (
    EPHEMERAL,
    EXPIRY_OFFSET,
    FORMAT,
    HEADER_BYTES,
    INTACT,
    NO_EXPIRY,
    SENSITIVE,
    STANDARD,
    Record,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as list_
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from os import PathLike
    from typing import Any, TypedDict, Unpack

    from llmspell.state.correlation import Correlation
    from llmspell.state.guard import Guard
    from llmspell.state.hooked import Hooked
    from llmspell.storage.store import Store

    class Options(TypedDict, total=False):
        """The options of a manager, by name."""

        clock: Callable[[], int]
        max_value_bytes: int
        classes: Mapping[str, str] | None
        journal: JournalPolicy | None
        schema_version: str
        transaction_timeout_ms: int
        correlation_id: str


_FIRST_EPHEMERAL_VERSION = 2**52
_UPKEEP_BATCH = 256


def now_micros() -> int:
    """µs since 1970."""
    return time_ns() // 1000


class StateManager:
    """The state in one store. Usable from many threads and, when the store is, from many processes at once.

    Every change is one commit, unless it happens inside `transaction`. Scopes are texts or `Scope`; `payload` is an
    encoded value (`llmspell.values`), and `set` and `get` take and give plain Python values. A value that is damaged
    raises Corrupt wherever it would be read or replaced. Times are µs since 1970, by `clock`; `ttl` and `timeout` are
    seconds. An error leaves the state as it was.

    `participants` are called with the transaction before it commits, to write into it what must commit with it;
    `listeners` with the Commit after it. A listener must not raise: what it tells about has happened.

    >>> with StateManager.with_backend("memory") as state:
    ...     state.set("agent:ada", "mood", "curious")
    ...     with state.transaction():
    ...         state.set("agent:ada", "plan", ["read", "ask"])
    ...         visits = state.increment("agent:ada", "visits")
    ...     state.get("agent:ada", "plan"), visits, state.list_keys("agent:ada")
    (['read', 'ask'], 1, ['mood', 'plan', 'visits'])
    """

    def __init__(
        self,
        store: "Store",
        *,
        clock: "Callable[[], int]" = now_micros,
        max_value_bytes: int = 10_000_000,
        classes: "Mapping[str, str] | None" = None,
        journal: JournalPolicy | None = JournalPolicy(),  # noqa: B008 - it is never changed
        schema_version: str = "1.0.0",
        transaction_timeout_ms: int = 5000,
        correlation_id: str = "",
    ) -> None:
        self.store = store
        self.clock = clock
        self.max_value_bytes = max_value_bytes
        self.transaction_timeout = transaction_timeout_ms / 1000
        """Seconds; 0 for no limit."""
        self.correlation_id = correlation_id
        self.journal_policy = journal if journal is not None and journal.enabled else None
        self.schema_version = schema_version
        self.metrics = Metrics()
        self.participants: list[Callable[[Transaction], None]] = []
        self.listeners: list[Callable[[Commit], None]] = []
        self.guard: Guard | None = None
        """Has a say in every save and read."""
        self.hooks: Hooked | None = None
        """Does the operations while somebody is to be asked before, or told after, them."""
        self.current: Transaction | None = None
        """The open transaction, whichever thread it belongs to."""
        self.known_head = KnownHead()
        self.ephemeral_store: Store | None = None
        self.busy_seconds = max(30.0, 6 * self.transaction_timeout) if transaction_timeout_ms else None
        """How long a change waits for other writers before it raises StorageBusy; None for ever."""
        self.sweep_due = 0
        self.compact_due = 0
        self._rules = ClassRules(classes) if classes else None
        self._correlations: type[Correlation] | None = None
        self._ephemeral_version = _FIRST_EPHEMERAL_VERSION

    @classmethod
    def with_backend(
        cls, name: str, *, path: "str | PathLike[str] | None" = None, **options: "Unpack[Options]"
    ) -> "StateManager":
        """A manager over a store of its own: `memory`, or `lmdb` (also `disk`, `sled`) in the folder `path`.

        Closing the manager, or leaving its `with` block, closes the store. `options` are those of the class.
        """
        from llmspell.state.backend import open_backend

        store = open_backend(name, path)
        try:
            return cls(store, **options)
        except BaseException:
            store.close()
            raise

    @property
    def schema_version(self) -> str:
        """The version that saved values are stamped with."""
        return "{}.{}.{}".format(*self.schema)

    @schema_version.setter
    def schema_version(self, text: str) -> None:
        parts = str(text).split(".")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() and int(part) < 65536 for part in parts):
            raise BadArgument(f"{text!r} is no schema version", hint="write it as 1.0.0, each part below 65536")
        self.schema: tuple[int, int, int] = (int(parts[0]), int(parts[1]), int(parts[2]))

    # Reading

    def load(self, scope: "str | Scope", key: str) -> bytes | None:
        """The payload of a value, or None."""
        metrics = self.metrics
        metrics.reads = count = metrics.reads + 1
        hooks = self.hooks
        if hooks is not None:
            payload = hooks.load(scope, key)
            if payload is None:
                metrics.misses += 1
            return payload
        if count & SAMPLED:
            stored = self.find(state_key(scope, key))
        else:
            start = perf_counter_ns()
            stored = self.find(state_key(scope, key))
            metrics.record(perf_counter_ns() - start)
        if stored is None:
            metrics.misses += 1
            return None
        return stored[HEADER_BYTES:-4]

    def entry(self, scope: "str | Scope", key: str) -> Entry | None:
        """A value with its version, times, class and schema version, or None."""
        self.metrics.reads += 1
        record_key = state_key(scope, key)
        stored = self.find(record_key)
        if stored is None:
            self.metrics.misses += 1
            return None
        return Entry(Record(record_key, stored))

    def exists(self, scope: "str | Scope", key: str) -> bool:
        """Whether there is a value."""
        return self.entry(scope, key) is not None

    def list_keys(
        self, scope: "str | Scope", *, prefix: str = "", after: str | None = None, limit: int | None = None,
        reverse: bool = False,
    ) -> list[str]:  # fmt: skip
        """The keys of a scope in byte order, or the opposite; `after` goes on behind a key of an earlier page."""
        self.metrics.reads += 1
        check_limit(limit)
        bounds = Bounds(Scope.parse(scope), prefix, after, reverse)
        with View(self) as view:
            return view.list_keys(bounds, limit)

    def list(
        self, scope: "str | Scope", *, prefix: str = "", after: str | None = None, limit: int | None = None,
        reverse: bool = False,
    ) -> "list_[tuple[str, bytes]]":  # fmt: skip
        """Keys and payloads, as `list_keys` orders and limits them."""
        self.metrics.reads += 1
        check_limit(limit)
        bounds = Bounds(Scope.parse(scope), prefix, after, reverse)
        with View(self) as view:
            records = view.list_records(bounds, limit)
        guard = self.guard
        if guard is not None and guard.upgrades:
            return [(found.key[bounds.cut :].decode(), self._upgraded(found)) for found in records]
        return [(found.key[bounds.cut :].decode(), found.payload) for found in records]

    def list_scopes(self, *, prefix: str = "") -> "list_[str]":
        """The texts of all scopes that hold something, in byte order."""
        self.metrics.reads += 1
        with View(self) as view:
            return view.list_scopes(prefix)

    def count(self, scope: "str | Scope", *, prefix: str = "") -> int:
        """How many keys a scope holds."""
        self.metrics.reads += 1
        bounds = Bounds(Scope.parse(scope), prefix)
        with View(self) as view:
            return view.count(bounds)

    # Changing

    def save(
        self, scope: "str | Scope", key: str, payload: bytes, *, ttl: float | None = None, class_: str | None = None,
        if_version: int | None = None,
    ) -> None:  # fmt: skip
        """Store a value; a null deletes. Without `ttl` it stays, also when the value before it would have expired.

        `class_` goes before the configured patterns. `if_version` 0 means that there must be no value. Raises Conflict,
        ValueTooLarge, BadValue (an external value that is none), InvalidKey, and NotEnabled for a sensitive value.
        """
        metrics = self.metrics
        metrics.writes = count = metrics.writes + 1
        start = 0 if count & SAMPLED else perf_counter_ns()
        micros = 0 if ttl is None else ttl_micros(ttl)
        if if_version is not None:
            check_version(if_version)
        hooks = self.hooks
        if hooks is not None:
            hooks.save(scope, key, payload, micros, class_, if_version)
            return
        record_key = state_key(scope, key)
        if len(payload) <= LONGEST_NULL and payload in NULLS:
            self.remove(record_key, if_version)
            return
        code = STANDARD if class_ is None and self._rules is None else self.resolve_class(scope, key, class_)
        if code >= SENSITIVE or len(payload) > self.max_value_bytes:
            admit(payload, code, self.max_value_bytes)
        current = self.current
        if current is not None and current.thread == get_ident():
            current.put(record_key, payload, code, micros, 0, if_version)
        elif code != EPHEMERAL or if_version is not None or not ephemeral.save(self, record_key, payload, micros):
            with Transaction(self) as transaction:
                transaction.put(record_key, payload, code, micros, 0, if_version)
        if start:
            metrics.record(perf_counter_ns() - start)

    def delete(self, scope: "str | Scope", key: str, *, if_version: int | None = None) -> bool:
        """Remove a value; whether it was there. Raises Conflict when `if_version` does not fit."""
        self.metrics.deletes += 1
        hooks = self.hooks
        if hooks is not None:
            return hooks.delete(scope, key, if_version)
        return self.remove(state_key(scope, key), if_version)

    def clear(self, scope: "str | Scope", *, prefix: str = "") -> int:
        """Remove all values of a scope, or those with a prefix, in one commit; how many there were."""
        hooks = self.hooks
        if hooks is not None:
            count = hooks.clear(scope, prefix)
            self.metrics.deletes += count
            return count
        bounds = Bounds(Scope.parse(scope), prefix)
        current = self.own_transaction()
        part = Transaction(self) if current is None else Savepoint(current)
        with part as transaction, View(self) as view:
            removed = [key for key in view.keys(bounds, None) if transaction.delete(key)]
        self.metrics.deletes += len(removed)
        return len(removed)

    def increment(self, scope: "str | Scope", key: str, by: int | float = 1) -> int | float:
        """Add to a number, 0 when there is none; the new number. Atomic across threads and processes.

        The sum of two integers is an integer, of anything else a float. Expiry and class stay as they are. Raises
        BadValue when the value is no number or the sum leaves 64 bits.
        """
        self.metrics.writes += 1
        number.check_step(by)
        scope = Scope.parse(scope)
        hooks = self.hooks
        if hooks is not None:
            return hooks.increment(scope, key, by)
        return self.add(scope, key, by)

    def add(self, scope: Scope, key: str, by: int | float) -> int | float:
        """`increment` without hooks."""
        record_key = state_key(scope, key)
        with self.writing() as transaction:
            transaction.check_deadline()
            old = transaction.fetch(record_key)
            current: int | float | None = 0
            code, expires_at = self.resolve_class(scope, key, None), 0
            if old is not None and not is_expired(old, self.clock):
                stored = Record(record_key, old)
                current, code, expires_at = number.read(stored.payload), stored.class_code, stored.expires_at
                if current is None:
                    raise BadValue(f"the value of '{key}' in scope '{scope}' is not a number")
            total = number.add(current or 0, by)
            payload = number.write(total)
            admit(payload, code, self.max_value_bytes)
            transaction.put(record_key, payload, code, 0, expires_at)
        return total

    def update(self, scope: "str | Scope", key: str, fn: "Callable[[bytes | None], bytes | None]") -> bytes | None:
        """Replace a value by what `fn` makes of its payload (None when there is none; None or a null deletes).

        Gives the new payload. Atomic across threads and processes: the store's write lock is held while `fn` runs, for
        at most the transaction's time limit. Everything `fn` changes commits with it, or nothing when it raises. Expiry
        and class stay as they are.
        """
        self.metrics.writes += 1
        scope = Scope.parse(scope)
        record_key = state_key(scope, key)
        with self.transaction() as transaction:
            stored = self.find(record_key)
            payload = fn(None if stored is None else stored[HEADER_BYTES:-4])
            hooks = self.hooks
            if hooks is not None:
                return hooks.update(scope, key, payload)
            if payload is None or is_null(payload):
                transaction.delete(record_key)
                return None
            old = transaction.fetch(record_key)
            code, expires_at = self.resolve_class(scope, key, None), 0
            if old is not None and not is_expired(old, self.clock):
                code = old[1]
                expires_at = int.from_bytes(old[EXPIRY_OFFSET:HEADER_BYTES], "little")
            admit(payload, code, self.max_value_bytes)
            transaction.put(record_key, payload, code, 0, expires_at)
        return payload

    def transaction(self) -> "AbstractContextManager[Transaction]":
        """Everything in its block commits together, or nothing when the block raises. Nested, it is a savepoint.

        Holds the store's write lock. After `transaction_timeout` every operation in it, and its end, raises Timeout
        and all is undone. Other domains write into its `main`.
        """
        current = self.own_transaction()
        if current is not None:
            return Savepoint(current)
        return Transaction(self, self.transaction_timeout or None)

    def flush(self) -> None:
        """After it everything saved so far is on disk."""
        self.store.sync()

    # The journal

    def load_at(self, scope: "str | Scope", key: str, at: int | float | str) -> bytes | None:
        """The payload that was current at a version, or at a time (RFC 3339 text or Unix seconds); None if there was none.

        A number is a version when it is below 10^9 or no higher than the store's version, else a time. A version or
        time to come gives what is there now. Raises NotFound when the journal does not reach back so far.
        """
        self.metrics.reads += 1
        found = past.record_at(self, state_key(scope, key), at)
        return None if found is None else found.payload

    def history(
        self, scope: "str | Scope", key: str, *, limit: int | None = None, since: int | float | str | None = None
    ) -> "list_[Revision]":
        """The changes of one key after `since` (as in `load_at`), newest first, as far back as the journal reaches."""
        return past.history(self, state_key(scope, key), limit, since)

    def changes(
        self, *, since: int | float | str = 0, scope: "str | Scope | None" = None, prefix: str = "",
        limit: int | None = None, timeout: float | None = None, wait: "Callable[[float], object]" = sleep,
        correlation_id: str | None = None,
    ) -> "tuple[list_[Change], int | str]":  # fmt: skip
        """Committed changes after `since`, oldest first, and the `since` of the next call; of one correlation, or of all.

        `since` is a version, a time, or what an earlier call gave: text (`12+300`) when `limit` cut a commit in two.
        With `timeout` it waits for the first change, also from other processes; `wait` sleeps for the seconds it is
        given, and ends the waiting when it gives something true or raises. Inside a transaction it does not wait. Raises
        NotFound when changes after `since` have left the journal already; 0 means from where it begins.
        """
        wanted = None if scope is None else Scope.parse(scope)
        return past.changes(self, since, wanted, prefix, limit, timeout, wait, correlation_id)

    def version(self) -> int:
        """The version of the last commit; 0 when nothing was ever saved."""
        with self.store.read() as txn:
            return Head.read(txn).version

    # Upkeep

    def sweep(self) -> int:
        """Remove everything that has expired from the store, in many small commits; how many records it was."""
        swept = 0
        while True:
            with Transaction(self) as transaction:
                due = expiry.sweep(transaction, self.clock(), _UPKEEP_BATCH)
            swept += len(transaction.changes)
            if due > self.clock():
                return swept

    def compact(self) -> None:
        """Drop from the journal what is older than its policy keeps, in many small commits."""
        policy = past.require_journal(self)
        while True:
            with Transaction(self) as transaction:
                due = journal_.compact(transaction, policy, _UPKEEP_BATCH)
            if due > transaction.now:
                return

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> "StateManager":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Python values

    def set(
        self, scope: "str | Scope", key: str, value: "Any", *, ttl: float | None = None, class_: str | None = None,
        if_version: int | None = None,
    ) -> None:  # fmt: skip
        """`save` for a Python value; None deletes. Raises BadValue for what cannot be stored exactly."""
        self.save(scope, key, values.encode(value), ttl=ttl, class_=class_, if_version=if_version)

    def get(
        self, scope: "str | Scope", key: str, default: "Any" = None, *, at: int | float | str | None = None
    ) -> "Any":
        """`load` for a Python value, or `load_at` when `at` is given; `default` when there is none.

        >>> state = StateManager.with_backend("memory")
        >>> state.set("notes", "today", {"done": 1})
        >>> before = state.version()
        >>> state.set("notes", "today", {"done": 2})
        >>> state.get("notes", "today"), state.get("notes", "today", at=before), state.get("notes", "other", "none")
        ({'done': 2}, {'done': 1}, 'none')
        """
        payload = self.load(scope, key) if at is None else self.load_at(scope, key, at)
        return default if payload is None else values.decode(payload)

    def items(
        self, scope: "str | Scope", *, prefix: str = "", after: str | None = None, limit: int | None = None,
        reverse: bool = False,
    ) -> "list_[tuple[str, Any]]":  # fmt: skip
        """`list` for Python values."""
        found = self.list(scope, prefix=prefix, after=after, limit=limit, reverse=reverse)
        return [(key, values.decode(payload)) for key, payload in found]

    def modify(self, scope: "str | Scope", key: str, fn: "Callable[[Any], Any]") -> "Any":
        """`update` for Python values: `fn` gets the value, None when there is none, and gives the new one.

        >>> state = StateManager.with_backend("memory")
        >>> state.modify("shop", "orders", lambda orders: [*(orders or []), "tea"])
        ['tea']
        """

        def change(payload: bytes | None) -> bytes | None:
            return values.encode(fn(None if payload is None else values.decode(payload)))

        payload = self.update(scope, key, change)
        return None if payload is None else values.decode(payload)

    def with_correlation(self, correlation_id: str) -> "AbstractContextManager[StateManager]":
        """What this thread or task commits here in the block carries the id; it stands in `history` and `changes`.

        The id that counts is that of the moment of the commit. Blocks nest; tasks that are begun in one inherit it,
        threads do not. Raises BadArgument unless the id is 1 to 255 bytes of UTF-8 without control characters.

        >>> state = StateManager.with_backend("memory")
        >>> with state.with_correlation("request-7"):
        ...     state.set("jobs", "mail", "sent")
        >>> [revision.correlation_id for revision in state.history("jobs", "mail")]
        ['request-7']
        """
        from llmspell.state.correlation import Correlation

        self._correlations = Correlation
        return Correlation(self, correlation_id)

    # What transactions ask for

    def own_transaction(self) -> Transaction | None:
        """The open transaction of this thread."""
        current = self.current
        return current if current is not None and current.thread == get_ident() else None

    def current_correlation_id(self) -> str:
        """The id that a commit of this thread or task carries now."""
        return self.correlation_id if self._correlations is None else self._correlations.current(self)

    def open_ephemeral_store(self) -> "Store":
        """The private store of ephemeral values, made when the first one comes. Needs the write lock of the durable one."""
        if self.ephemeral_store is None:
            from llmspell.storage.memory import MemoryStore

            self.ephemeral_store = MemoryStore()
        return self.ephemeral_store

    def next_ephemeral_version(self) -> int:
        """A number no durable record has for its version, so that `if_version` never mistakes one for the other."""
        self._ephemeral_version += 1
        return self._ephemeral_version

    def expect_expiry(self, expires_at: int) -> None:
        """Let a commit after this time look for what has expired."""
        if expires_at < self.sweep_due:
            self.sweep_due = expires_at

    def find(self, record_key: bytes) -> bytes | None:
        """The record under a key, verified and not expired."""
        current = self.current
        if current is not None and current.thread == get_ident():
            current.check_deadline()
            stored = current.fetch(record_key)
        else:
            if self.ephemeral_store is not None:
                stored = self.ephemeral_store.get(record_key)
                if stored is not None and not is_expired(stored, self.clock):
                    return stored
            stored = self.store.get(record_key)
            if stored is not None and (crc32(stored, crc32(record_key)) != INTACT or stored[0] != FORMAT):
                raise record.damage(record_key, stored)
        if stored is None or (stored[EXPIRY_OFFSET:HEADER_BYTES] != NO_EXPIRY and is_expired(stored, self.clock)):
            return None
        guard = self.guard
        return guard.after_load(record_key, stored) if guard is not None and guard.upgrades else stored

    def _upgraded(self, found: Record) -> bytes:
        """The payload of a listed record as reading it alone gives it; as it was listed when it is gone by now."""
        stored = self.find(found.key)
        payload: bytes = found.payload if stored is None else stored[HEADER_BYTES:-4]
        return payload

    def remove(self, record_key: bytes, if_version: int | None) -> bool:
        """Remove a record; whether it was there. Raises Conflict when `if_version` does not fit."""
        check_version(if_version)
        with self.writing() as transaction:
            return transaction.delete(record_key, if_version)

    def writing(self) -> "AbstractContextManager[Transaction]":
        """This thread's transaction, or one for the block."""
        current = self.own_transaction()
        return Transaction(self) if current is None else Joined(current)

    def resolve_class(self, scope: "str | Scope", key: str, name: str | None) -> int:
        """The code of the class that a value gets for which its caller names `name`, or none."""
        if name is not None:
            return class_code(name)
        return STANDARD if self._rules is None else self._rules.resolve(Scope.parse(scope), key)
