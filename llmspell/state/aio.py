"""`AsyncStateManager`: the state for asyncio. Nothing it does holds up the event loop.

Not imported with the rest of the state: a script that runs never pays for asyncio.
"""

from abc import ABC, abstractmethod
from asyncio import CancelledError, shield, wrap_future
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, TypeVar

from llmspell.errors import StorageError
from llmspell.state.manager import StateManager
from llmspell.state.transaction import Transaction

if TYPE_CHECKING:
    from builtins import list as list_
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from os import PathLike
    from typing import Unpack

    from llmspell.state.aio_transaction import AsyncTransaction
    from llmspell.state.entry import Entry, Revision
    from llmspell.state.feed import ChangeFeed
    from llmspell.state.manager import Options
    from llmspell.state.scope import Scope

T = TypeVar("T")


class AsyncState(ABC):
    """What can be done with the state, as coroutines; each does what the method of StateManager with its name does.

    A function that is passed in (`modify`, `run`) is an ordinary one and runs on a worker thread.
    """

    @abstractmethod
    async def _read(self, fn: "Callable[[StateManager], T]") -> T:
        """What `fn` reads from the state."""

    @abstractmethod
    async def _write(self, fn: "Callable[[StateManager], T]", *, is_bounded: bool = False) -> T:
        """What `fn` gives that changes the state, in one commit; `is_bounded` by the time limit of transactions."""

    @abstractmethod
    async def run(self, fn: "Callable[[StateManager], T]") -> T:
        """What `fn` makes of the StateManager, on the thread that writes; in a transaction, as a part of it.

        For what is written against the StateManager itself. Unless it uses a transaction, what it had saved when its
        await was cancelled stays saved.
        """

    async def get(
        self, scope: "str | Scope", key: str, default: Any = None, *, at: int | float | str | None = None
    ) -> Any:
        """The value, or `default` when there is none; with `at`, that of a version or a time."""
        return await self._read(lambda state: state.get(scope, key, default, at=at))

    async def entry(self, scope: "str | Scope", key: str) -> "Entry | None":
        """A value with its version, times, class and schema version, or None."""
        return await self._read(lambda state: state.entry(scope, key))

    async def exists(self, scope: "str | Scope", key: str) -> bool:
        """Whether there is a value."""
        return await self._read(lambda state: state.exists(scope, key))

    async def list_keys(
        self, scope: "str | Scope", *, prefix: str = "", after: str | None = None, limit: int | None = None,
        reverse: bool = False,
    ) -> list[str]:  # fmt: skip
        """The keys of a scope in byte order, or the opposite; `after` goes on behind a key of an earlier page."""
        return await self._read(
            lambda state: state.list_keys(scope, prefix=prefix, after=after, limit=limit, reverse=reverse)
        )

    async def items(
        self, scope: "str | Scope", *, prefix: str = "", after: str | None = None, limit: int | None = None,
        reverse: bool = False,
    ) -> list[tuple[str, Any]]:  # fmt: skip
        """Keys and values, as `list_keys` orders and limits them."""
        return await self._read(
            lambda state: state.items(scope, prefix=prefix, after=after, limit=limit, reverse=reverse)
        )

    async def list_scopes(self, *, prefix: str = "") -> list[str]:
        """The texts of all scopes that hold something, in byte order."""
        return await self._read(lambda state: state.list_scopes(prefix=prefix))

    async def count(self, scope: "str | Scope", *, prefix: str = "") -> int:
        """How many keys a scope holds."""
        return await self._read(lambda state: state.count(scope, prefix=prefix))

    async def history(
        self, scope: "str | Scope", key: str, *, limit: int | None = None, since: int | float | str | None = None
    ) -> "list_[Revision]":
        """The changes of one key after `since`, newest first, as far back as the journal reaches."""
        return await self._read(lambda state: state.history(scope, key, limit=limit, since=since))

    async def version(self) -> int:
        """The version of the last commit; 0 when nothing was ever saved."""
        return await self._read(lambda state: state.version())

    async def set(
        self, scope: "str | Scope", key: str, value: Any, *, ttl: float | None = None, class_: str | None = None,
        if_version: int | None = None,
    ) -> None:  # fmt: skip
        """Store a value; None deletes. The value must not be changed until this has returned: a thread encodes it."""
        await self._write(lambda state: state.set(scope, key, value, ttl=ttl, class_=class_, if_version=if_version))

    async def delete(self, scope: "str | Scope", key: str, *, if_version: int | None = None) -> bool:
        """Remove a value; whether it was there."""
        return await self._write(lambda state: state.delete(scope, key, if_version=if_version))

    async def clear(self, scope: "str | Scope", *, prefix: str = "") -> int:
        """Remove all values of a scope, or those with a prefix, in one commit; how many there were."""
        return await self._write(lambda state: state.clear(scope, prefix=prefix))

    async def increment(self, scope: "str | Scope", key: str, by: int | float = 1) -> int | float:
        """Add to a number, 0 when there is none; the new number."""
        return await self._write(lambda state: state.increment(scope, key, by))

    async def modify(self, scope: "str | Scope", key: str, fn: "Callable[[Any], Any]") -> Any:
        """Replace a value by what `fn` makes of it, atomically; the new value."""
        return await self._write(lambda state: state.modify(scope, key, fn), is_bounded=True)

    @abstractmethod
    def transaction(self) -> "AsyncTransaction":
        """Everything in its `async with` block commits together, or nothing when the block raises or is cancelled."""


class AsyncStateManager(AsyncState):
    """A StateManager for asyncio. Every call runs on a thread of its own: one that writes, and up to `readers` more.

    `state` is an open manager, or what opens one when it is first needed. Calls wait for other writers, and for the
    disk, without holding up the event loop; reads do not wait for writes. A cancelled call that changes the state has
    happened in whole or not at all: not at all, if it was still waiting for its turn. May be used from several event
    loops. `close`, or the end of an `async with` block, closes the manager with its store.

    >>> import asyncio
    >>> async def main():
    ...     async with AsyncStateManager.with_backend("memory") as state:
    ...         async with state.transaction():
    ...             await state.set("jobs", "mail", {"to": "Ann"})
    ...             await state.increment("jobs", "total")
    ...         async for change in state.changes(scope="jobs", timeout=0):
    ...             print(change.operation, change.key)
    >>> asyncio.run(main())
    save mail
    save total
    """

    def __init__(self, state: "StateManager | Callable[[], StateManager]", *, readers: int = 4) -> None:
        self._manager = state if isinstance(state, StateManager) else None
        self._open = state
        self._opening = Lock()
        self._writer = ThreadPoolExecutor(1, "llmspell-writer")
        self._readers = ThreadPoolExecutor(readers, "llmspell-reader")
        self._closing: Future[None] | None = None

    @classmethod
    def with_backend(
        cls, name: str, *, path: "str | PathLike[str] | None" = None, readers: int = 4, **options: "Unpack[Options]"
    ) -> "AsyncStateManager":
        """As `StateManager.with_backend`. The store is opened, and an error raised, at the first use."""
        return cls(lambda: StateManager.with_backend(name, path=path, **options), readers=readers)

    def transaction(self) -> "AsyncTransaction":
        """Everything in its `async with` block commits together, or nothing when the block raises or is cancelled.

        What this task, and tasks it begins in the block, do with this manager there belongs to the transaction; what
        other tasks do waits for its end, or reads what was before it. Nested, it is a savepoint. The store's write lock
        is held from its beginning to its end, but no longer than the manager's `transaction_timeout`, whatever the block
        awaits: after that all is undone, and the next call in it, or its end, raises Timeout.
        """
        from llmspell.state.aio_transaction import AsyncTransaction

        return AsyncTransaction(self)

    def changes(
        self, *, since: int | float | str = 0, scope: "str | Scope | None" = None, prefix: str = "",
        timeout: float | None = None,
    ) -> "ChangeFeed":  # fmt: skip
        """Committed changes after `since`, oldest first, and then those to come, also of other processes.

        `since` as in `StateManager.changes`; 0 is as far back as the journal reaches, `await state.version()` is now.
        With `timeout` it ends when there was nothing new for so many seconds; 0 gives only what is there already.
        """
        from llmspell.state.feed import ChangeFeed

        return ChangeFeed(self._read, since, scope, prefix, timeout)

    def with_correlation(self, correlation_id: str) -> "AbstractContextManager[AsyncStateManager]":
        """What this task, and tasks it begins in the block, commit here carries the id."""
        from llmspell.state.aio_correlation import AsyncCorrelation

        return AsyncCorrelation(self, correlation_id)

    async def flush(self) -> None:
        """After it everything saved so far is on disk."""
        await self._submit(self._readers, lambda: self.opened().flush())

    async def metrics(self) -> dict[str, object]:
        """Counts, rates and latencies, as `State.metrics` gives them to scripts."""
        return await self._submit(self._readers, lambda: self.opened().metrics.snapshot())

    async def close(self) -> None:
        """Close the state when everything that was begun has ended. Closing twice is harmless."""
        if self._closing is None:
            self._closing = self._writer.submit(self._close)
            self._writer.shutdown(wait=False)
        await shield(wrap_future(self._closing))

    async def __aenter__(self) -> Self:
        await self._submit(self._writer, self.opened)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def run(self, fn: "Callable[[StateManager], T]") -> T:
        """What `fn` makes of the StateManager, on the thread that writes; in a transaction, as a part of it.

        For what is written against the StateManager itself. Unless it uses a transaction, what it had saved when its
        await was cancelled stays saved.

        >>> import asyncio
        >>> state = AsyncStateManager.with_backend("memory")
        >>> asyncio.run(state.run(lambda manager: manager.sweep()))
        0
        """
        transaction = self._own_transaction()
        if transaction is not None:
            return await transaction.run(fn)
        return await self._submit(self._writer, lambda: fn(self.opened()))

    async def _read(self, fn: "Callable[[StateManager], T]") -> T:
        transaction = self._own_transaction()
        if transaction is not None:
            return await transaction.run(fn)
        return await self._submit(self._readers, lambda: fn(self.opened()))

    async def _write(self, fn: "Callable[[StateManager], T]", *, is_bounded: bool = False) -> T:
        transaction = self._own_transaction()
        if transaction is not None:
            return await transaction.run(fn)
        is_cancelled = False

        def commit() -> T:
            manager = self.opened()
            with manager.transaction() if is_bounded else Transaction(manager):
                made = fn(manager)
                if is_cancelled:
                    raise CancelledError
            return made

        try:
            return await self._submit(self._writer, commit)
        except CancelledError:
            is_cancelled = True
            raise

    # What transactions ask for

    def opened(self) -> StateManager:
        """The manager, opened when it was not. For worker threads."""
        if self._manager is None:
            with self._opening:
                if self._manager is None:
                    assert not isinstance(self._open, StateManager)
                    self._manager = self._open()
        return self._manager

    def submit_write(self, fn: "Callable[[], T]") -> "Future[T]":
        """Let the thread that writes call `fn`, in the context of this task. Raises StorageError after `close`."""
        return self._enter(self._writer, fn)

    async def _submit(self, pool: Executor, fn: "Callable[[], T]") -> T:
        return await wrap_future(self._enter(pool, fn))

    def _enter(self, pool: Executor, fn: "Callable[[], T]") -> "Future[T]":
        try:
            return pool.submit(copy_context().run, _guard(fn))
        except RuntimeError as error:
            raise StorageError("the state is closed") from error

    def _own_transaction(self) -> "AsyncTransaction | None":
        from llmspell.state.aio_transaction import AsyncTransaction

        return AsyncTransaction.innermost(self)

    def _close(self) -> None:
        self._readers.shutdown()
        if self._manager is not None:
            self._manager.close()


