"""`State`: what a script remembers."""

from llmspell import values
from llmspell.state.moment import text as time_text
from llmspell.surface.model import Callback, Choice, Global, Moment, Payload, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.state.manager import StateManager

NULL = values.MSGPACK + b"\xc0"


class StateClass(Choice):
    """How a value is kept: ephemeral in memory only, trusted without hooks and validation, external with strict validation."""

    values = ("ephemeral", "trusted", "standard", "sensitive", "external")


class StateEntry(Record):
    """A value with what is known about it. Times are RFC 3339 text in UTC."""

    value: Payload
    version: int
    created_at: str
    updated_at: str
    expires_at: str | None = None
    class_: str
    schema_version: str


class StatePair(Record):
    """A key with its value."""

    key: str
    value: Payload


class StateRevision(Record):
    """One change of one key. `op` is save, delete or expire; `value` is there when it was a save."""

    version: int
    at: str
    op: str
    value: Payload | None = None
    correlation_id: str


class StateChange(Record):
    """One key that a commit changed."""

    version: int
    at: str
    op: str
    scope: str
    key: str
    correlation_id: str


class StateChanges(Record):
    """Changes, oldest first; `next` is the `since` of the next call."""

    changes: list[StateChange]
    next: Moment


class StateMetrics(Record):
    """What this run has done so far. Latencies are of a sample of the loads and saves.

    `hooks`: registered, executions, failures, cancelled, switched_off (by their circuit breakers), waiting and dropped (in the
    background); empty while there are no hooks.
    """

    reads: int
    writes: int
    deletes: int
    ops_per_second: float
    avg_latency_us: float
    p99_latency_us: float
    cache_hit_rate: float
    hooks: dict[str, int]


class State(Global):
    """The durable state: values under keys, in scopes that are isolated from each other.

    A scope is a text: `global`, `system`, `agent:<id>`, `user:<id>`, `session:<id>`, `workflow:<id>`,
    `step:<workflow>:<step>`, `tool:<name>`, `hook:<name>`, `custom:<name>`; any other name is a custom scope. A key is 1 to
    256 bytes of UTF-8 without control characters, not beginning with `__`. A call that has returned is on disk, unless the
    configuration groups writes (`flush_every_ms`). Expired values are absent everywhere.
    """

    name = "State"

    def __init__(
        self,
        manager: "StateManager",
        wait: "Callable[[float], bool]",
        hook_figures: "Callable[[], dict[str, int]]" = dict,
    ) -> None:
        self._manager = manager
        self._wait = wait
        self._hook_figures = hook_figures

    def save(
        self, scope: str, key: str, value: Payload, *, ttl: float | None = None, class_: StateClass | None = None,
        if_version: int | None = None,
    ) -> None:  # fmt: skip
        """Save a value; null (nil) deletes it.

        `ttl` is in seconds; a save without it ends an expiry. `if_version` saves only when the value has that version, 0
        when there is none; otherwise it raises `conflict`.
        """
        self._manager.save(scope, key, value, ttl=ttl, class_=class_, if_version=if_version)

    def load(self, scope: str, key: str, *, default: Payload | None = None, at: Moment | None = None) -> Payload | None:
        """The value, or `default` (null) when there is none.

        With `at`, the value that was there at a version or a time, as far back as the journal reaches.
        """
        manager = self._manager
        payload = manager.load(scope, key) if at is None else manager.load_at(scope, key, at)
        return default if payload is None else payload

    def entry(self, scope: str, key: str) -> StateEntry | None:
        """The value with its version, times, class and schema version, or null."""
        entry = self._manager.entry(scope, key)
        if entry is None:
            return None
        return StateEntry(
            value=entry.payload,
            version=entry.version,
            created_at=time_text(entry.created_at),
            updated_at=time_text(entry.updated_at),
            expires_at=None if entry.expires_at is None else time_text(entry.expires_at),
            class_=entry.class_name,
            schema_version=entry.schema_version,
        )

    def delete(self, scope: str, key: str, *, if_version: int | None = None) -> bool:
        """Delete a value; whether it was there. With `if_version`, only that version, else `conflict`."""
        return self._manager.delete(scope, key, if_version=if_version)

    def exists(self, scope: str, key: str) -> bool:
        """Whether there is a value."""
        return self._manager.exists(scope, key)

    def list_keys(
        self, scope: str, *, prefix: str = "", after: str | None = None, limit: int | None = None, reverse: bool = False
    ) -> list[str]:
        """The keys in byte order, or reversed; only those with `prefix`, after the key `after`, at most `limit`."""
        return self._manager.list_keys(scope, prefix=prefix, after=after, limit=limit, reverse=reverse)

    def list_(
        self, scope: str, *, prefix: str = "", after: str | None = None, limit: int | None = None, reverse: bool = False
    ) -> list[StatePair]:
        """The keys with their values, as `list_keys` would give them."""
        pairs = self._manager.list(scope, prefix=prefix, after=after, limit=limit, reverse=reverse)
        return [StatePair(key=key, value=payload) for key, payload in pairs]

    def list_scopes(self, *, prefix: str = "") -> list[str]:
        """The scopes that hold something."""
        return self._manager.list_scopes(prefix=prefix)

    def count(self, scope: str, *, prefix: str = "") -> int:
        """How many values a scope holds."""
        return self._manager.count(scope, prefix=prefix)

    def clear(self, scope: str, *, prefix: str = "") -> int:
        """Delete every value of a scope, in one commit; how many there were."""
        return self._manager.clear(scope, prefix=prefix)

    def increment(self, scope: str, key: str, by: float = 1) -> float:
        """Add to a number and return the sum; a missing one counts as 0. Atomic across processes.

        Integers stay integers. Raises `bad_value` when the value is no number or the sum leaves 64 bits; nothing changes
        then. An expiry stays.
        """
        return self._manager.increment(scope, key, by)

    def update(self, scope: str, key: str, fn: Callback) -> Payload | None:
        """Save what `fn(current)` returns; null (nil) deletes. Returns the new value.

        Atomic across processes: nobody else writes while `fn` runs, so keep it short; it is bounded by
        `transaction_timeout_ms`.
        """
        seconds = self._manager.transaction_timeout
        return self._manager.update(
            scope, key, lambda current: fn(NULL if current is None else current, seconds=seconds)
        )

    def transaction(self, fn: Callback) -> Payload:
        """Run `fn()`; all changes in it commit together, or none of them when it raises. Returns what `fn` returned.

        Reads see the transaction's own writes. A transaction inside another is a savepoint: what fails in it and is caught
        undoes the inner part alone. Nobody else writes while it runs; it is bounded by `transaction_timeout_ms`.
        """
        with self._manager.transaction():
            return fn(seconds=self._manager.transaction_timeout)

    def history(
        self, scope: str, key: str, *, limit: int | None = None, since: Moment | None = None
    ) -> list[StateRevision]:
        """The changes of one key, newest first, as far back as the journal reaches; `since` is a version or a time."""
        return [
            StateRevision(
                version=revision.version,
                at=time_text(revision.at),
                op=revision.operation,
                value=revision.payload,
                correlation_id=revision.correlation_id,
            )
            for revision in self._manager.history(scope, key, limit=limit, since=since)
        ]

    def changes(
        self, *, since: Moment = 0, scope: str | None = None, prefix: str = "", limit: int | None = None,
        timeout: float | None = None, correlation_id: str | None = None,
    ) -> StateChanges:  # fmt: skip
        """The changes after the version or time `since`, oldest first, of all scopes or one, of all correlations or one.

        With `timeout` seconds it waits for the first change, also by another process. Pass the result's `next` as `since`
        to go on.
        """
        found, following = self._manager.changes(
            since=since,
            scope=scope,
            prefix=prefix,
            limit=limit,
            timeout=timeout,
            wait=self._wait,
            correlation_id=correlation_id,
        )
        return StateChanges(
            changes=[
                StateChange(
                    version=change.version,
                    at=time_text(change.at),
                    op=change.operation,
                    scope=change.scope,
                    key=change.key,
                    correlation_id=change.correlation_id,
                )
                for change in found
            ],
            next=following,
        )

    def flush(self) -> None:
        """After it everything saved so far is on disk."""
        self._manager.flush()

    def metrics(self) -> StateMetrics:
        """Counts, rates and latencies of this run."""
        return StateMetrics(**self._manager.metrics.snapshot(), hooks=self._hook_figures())  # type: ignore[arg-type]
