"""`AsyncStateManager`: the state for asyncio. Nothing it does holds up the event loop.

Not imported with the rest of the state: a script that runs never pays for asyncio.
"""

from asyncio import CancelledError, shield, wrap_future
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Self, TypeVar

from llmspell.errors import StorageError
from llmspell.state.async_state import AsyncState
from llmspell.state.async_transaction import AsyncTransaction
from llmspell.state.desk import without_stop
from llmspell.state.feed import ChangeFeed
from llmspell.state.manager import StateManager
from llmspell.state.transaction import Transaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from os import PathLike
    from typing import Unpack

    from llmspell.state.manager import Options
    from llmspell.state.scope import Scope

T = TypeVar("T")

_FRESH_SECONDS = 0.005


class AsyncStateManager(AsyncState):
    """A StateManager for asyncio. Its calls run on threads of its own: one that writes, and up to `readers` that read.

    Calls wait for other writers, and for the disk, without holding up the event loop; reads do not wait for writes. A
    cancelled call that changes the state has happened in whole or not at all: not at all, if it was still waiting for
    its turn. May be used from several event loops, beside the manager itself. `state` is an open manager, which stays
    open, or what opens one when it is first needed; that one ends with `close`, or with the `async with` block.

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
        self._manager: StateManager | None = None
        self._is_owner = True
        if isinstance(state, StateManager):
            self._manager = state
            self._is_owner = False
        else:
            self._open = state
        self._opening = Lock()
        self._writer = ThreadPoolExecutor(1, "llmspell-writer")
        self._readers = ThreadPoolExecutor(readers, "llmspell-reader")
        self._closing: Future[None] | None = None
        self._generation = 0
        self._watched_at = 0.0

    @classmethod
    def with_backend(
        cls, name: str, *, path: "str | PathLike[str] | None" = None, readers: int = 4, **options: "Unpack[Options]"
    ) -> "AsyncStateManager":
        """As `StateManager.with_backend`. The store is opened, and an error raised, at the first use."""
        return cls(lambda: StateManager.with_backend(name, path=path, **options), readers=readers)

    def transaction(self) -> AsyncTransaction:
        """Everything in its `async with` block commits together, or nothing when the block raises or is cancelled.

        What this task, and tasks it begins in the block, do with this manager there belongs to the transaction; what
        other tasks do waits for its end, or reads what was before it. Nested, it is a savepoint. The store's write lock
        is held from its beginning to its end, but no longer than the manager's `transaction_timeout`, whatever the block
        awaits: after that all is undone, and the next call in it, or its end, raises Timeout.
        """
        return AsyncTransaction(self)

    def changes(
        self, *, since: int | float | str = 0, scope: "str | Scope | None" = None, prefix: str = "",
        timeout: float | None = None,
    ) -> ChangeFeed:  # fmt: skip
        """Committed changes after `since`, oldest first, and then those to come, also of other processes.

        `since` as in `StateManager.changes`; 0 is as far back as the journal reaches, `await state.version()` is now.
        With `timeout` it ends when there was nothing new for so many seconds; 0 gives only what is there already.
        """
        return ChangeFeed(self._read, self._watch, since, scope, prefix, timeout)

    @asynccontextmanager
    async def with_correlation(self, correlation_id: str) -> "AsyncIterator[AsyncStateManager]":
        """What this task, and tasks it begins in the block, commit here carries the id."""
        manager = await self._submit(self._readers, self.opened)
        with manager.with_correlation(correlation_id):
            yield self

    async def flush(self) -> None:
        """After it everything saved so far is on disk."""
        await self._submit(self._readers, lambda: self.opened().flush())

    async def metrics(self) -> dict[str, int | float]:
        """Counts, rates and latencies, as `State.metrics` gives them to scripts."""
        return await self._submit(self._readers, lambda: self.opened().metrics.snapshot())

    async def close(self) -> None:
        """End the threads when everything that was begun has ended. Closing twice is harmless."""
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
        transaction = AsyncTransaction.innermost(self)
        if transaction is not None:
            return await transaction.run(fn)
        return await self._submit(self._writer, lambda: fn(self.opened()))

    async def _read(self, fn: "Callable[[StateManager], T]") -> T:
        transaction = AsyncTransaction.innermost(self)
        if transaction is not None:
            return await transaction.run(fn)
        return await self._submit(self._readers, lambda: fn(self.opened()))

    async def _write(self, fn: "Callable[[StateManager], T]", *, is_bounded: bool = False) -> T:
        transaction = AsyncTransaction.innermost(self)
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
        manager = self._manager
        if manager is None:
            with self._opening:
                manager = self._manager
                if manager is None:
                    manager = self._manager = self._open()
        return manager

    def submit_write(self, fn: "Callable[[], T]") -> "Future[T]":
        """Let the thread that writes call `fn`, in the context of this task. Raises StorageError after `close`."""
        return self._enter(self._writer, fn)

    async def _watch(self) -> int:
        """The generation of the store, a few milliseconds old at most: feeds that wait share one look at it."""
        now = monotonic()
        if now - self._watched_at > _FRESH_SECONDS:
            self._watched_at = now
            self._generation = await self._submit(self._readers, lambda: self.opened().store.generation())
        return self._generation

    async def _submit(self, pool: Executor, fn: "Callable[[], T]") -> T:
        return await wrap_future(self._enter(pool, fn))

    def _enter(self, pool: Executor, fn: "Callable[[], T]") -> "Future[T]":
        try:
            return pool.submit(copy_context().run, without_stop(fn))
        except RuntimeError as error:
            raise StorageError("the state is closed") from error

    def _close(self) -> None:
        self._readers.shutdown()
        if self._is_owner and self._manager is not None:
            self._manager.close()
