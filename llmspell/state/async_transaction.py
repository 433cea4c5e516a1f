"""`AsyncTransaction`: a transaction of the state that asyncio tasks use and one thread carries out."""

from asyncio import CancelledError, Lock, shield, timeout, wrap_future
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Self, TypeVar

from llmspell.errors import LlmspellError, StorageError, Timeout
from llmspell.state.async_state import AsyncState
from llmspell.state.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import TracebackType

    from llmspell.state.aio import AsyncStateManager
    from llmspell.state.manager import StateManager
    from llmspell.state.transaction import Transaction

T = TypeVar("T")

_innermost: "ContextVar[AsyncTransaction | None]" = ContextVar("llmspell transaction", default=None)


class AsyncTransaction(AsyncState):
    """One transaction, or a savepoint in one; what `AsyncStateManager.transaction` gives. An async context manager.

    What is done with it, also from tasks that were begun before it, belongs to it. While a savepoint is open, the calls
    of the task that opened it, and of those it begins there, belong to the savepoint; other tasks wait for its end. When
    an await in it is cancelled it is undone, even if the cancellation was caught. When its block has been left it is
    over: committed or undone, and the store is free for others.
    """

    def __init__(self, owner: "AsyncStateManager") -> None:
        self._owner = owner
        self._parent: AsyncTransaction | None = None
        self._outer: AsyncTransaction | None = None
        self._turn = Lock()
        """Held by whoever does something in it: a call, an open savepoint, its end."""
        self._is_open = False
        self._part: AbstractContextManager[Transaction] | None = None

    @staticmethod
    def innermost(owner: "AsyncStateManager") -> "AsyncTransaction | None":
        """The innermost open transaction of this task."""
        found = _innermost.get()
        while found is not None and not (found._is_open and found._owner is owner):
            found = found._outer
        return found

    def transaction(self) -> "AsyncTransaction":
        """A savepoint: what is done in its block is undone alone when the block raises."""
        return AsyncTransaction(self._owner)

    async def run(self, fn: "Callable[[StateManager], T]") -> T:
        """What `fn` makes of the StateManager, as a part of the transaction."""
        part = self._innermost_part()
        await part._take_turn()
        try:
            try:
                return await wrap_future(part._desk.post(fn))
            except CancelledError:
                with suppress(LlmspellError):
                    part._desk.post(_spoil)
                raise
        finally:
            part._turn.release()

    async def __aenter__(self) -> Self:
        self._parent = self.innermost(self._owner)
        await (self._begin() if self._parent is None else self._begin_part(self._parent))
        self._outer = _innermost.get()
        _innermost.set(self)
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        _innermost.set(self._outer)
        try:
            if error is not None:
                await self._undo()
                return
            try:
                # What other tasks are doing in it, a savepoint above all, comes to its end first.
                await self._take_turn()
                self._is_open = False
                await self._commit()
            except BaseException:
                await self._undo()
                raise
        finally:
            if self._parent is not None:
                self._parent._turn.release()

    async def _read(self, fn: "Callable[[StateManager], T]") -> T:
        return await self.run(fn)

    async def _write(self, fn: "Callable[[StateManager], T]", *, is_bounded: bool = False) -> T:  # noqa: ARG002
        return await self.run(fn)

    def _innermost_part(self) -> "AsyncTransaction":
        """The innermost savepoint that this task has opened in it, or itself."""
        found = part = self.innermost(self._owner)
        while part is not None and part is not self:
            part = part._parent
        return self if part is None or found is None else found

    async def _take_turn(self) -> None:
        """Wait until nobody else does something in it. Raises Timeout, and StorageError when it is over."""
        if self._turn.locked():
            seconds = self._owner.opened().transaction_timeout
            try:
                async with timeout(seconds or None):
                    await self._turn.acquire()
            except TimeoutError:
                raise Timeout(
                    f"a call waited {seconds:g} seconds for a savepoint of the same transaction",
                    hint="inside a savepoint, do not wait for a task that was begun outside of it",
                ) from None
        else:
            await self._turn.acquire()
        if not self._is_open:
            self._turn.release()
            raise StorageError("the transaction has ended, or has not begun: use it in its `async with` block")

    async def _begin(self) -> None:
        self._desk = desk = Desk()
        started: Future[None] = Future()
        self._over = self._owner.submit_write(lambda: desk.serve(self._owner.opened, started))
        try:
            await wrap_future(started)
        except CancelledError:
            self._ask_to_undo()
            raise

    async def _begin_part(self, parent: "AsyncTransaction") -> None:
        await parent._take_turn()
        self._desk = parent._desk
        try:
            await wrap_future(self._desk.post(self._enter_part))
        except BaseException:
            self._ask_to_undo()
            parent._turn.release()
            raise

    async def _commit(self) -> None:
        await wrap_future(self._desk.commit() if self._parent is None else self._desk.post(self._keep_part))

    async def _undo(self) -> None:
        """Undo what was not committed, and wait until that is done, or the commit, if it had begun."""
        self._is_open = False
        undone = self._ask_to_undo()
        if undone is not None:
            await shield(wrap_future(undone))

    def _ask_to_undo(self) -> "Future[None] | None":
        """What is done when it has been undone; None when there is nothing to undo any more."""
        with suppress(LlmspellError):
            if self._parent is not None:
                return self._desk.post(self._undo_part)
            self._desk.undo()
        return None if self._parent is not None else self._over

    # On the thread of the transaction

    def _enter_part(self, state: "StateManager") -> None:
        part = state.transaction()
        part.__enter__()
        self._part = part

    def _keep_part(self, _: "StateManager") -> None:
        part, self._part = self._part, None
        if part is not None:
            part.__exit__(None, None, None)

    def _undo_part(self, _: "StateManager") -> None:
        part, self._part = self._part, None
        if part is not None:
            part.__exit__(CancelledError, CancelledError(), None)


def _spoil(state: "StateManager") -> None:
    """Let nothing of this part be committed: nobody knows whether the call that was cancelled has been carried out."""
    transaction = state.own_transaction()
    if transaction is not None and transaction.failure is None:
        transaction.failure = CancelledError("an await was cancelled")
