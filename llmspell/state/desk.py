"""`Desk`: where asyncio tasks hand in what the thread of a transaction is to do."""

from concurrent.futures import Future
from math import inf
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from llmspell.errors import LlmspellError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.state.manager import StateManager
    from llmspell.state.transaction import Transaction

T = TypeVar("T")


class Desk:
    """One transaction on one thread, from its beginning to its end: the jobs are done in the order they came.

    The thread never waits longer for the next job than the transaction may take: then it undoes everything, so that a
    task that is stuck does not keep the store locked. After the end every job is refused.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[StateManager], Any] | None, Future[Any]]] = SimpleQueue()
        self._guard = Lock()
        self._refusal: LlmspellError | None = None

    def post(self, fn: "Callable[[StateManager], T]") -> "Future[T]":
        """Have `fn` called with the manager. Raises what ended the transaction when it is over."""
        return self._put(without_stop(fn), Future())

    def commit(self) -> "Future[None]":
        """Commit when the jobs before it are done; undo, if this has been cancelled by then."""
        return self._put(None, Future())

    def undo(self) -> None:
        """Undo when the jobs before it are done."""
        cancelled: Future[None] = Future()
        # Before the thread can see it: between the two it would commit.
        cancelled.cancel()
        self._put(None, cancelled)

    def serve(self, open_manager: "Callable[[], StateManager]", started: "Future[None]") -> None:
        """The whole transaction, on this thread. `started` is done once it holds the write lock; raises nothing."""
        outcome = started
        refusal: LlmspellError = StorageError("the transaction has ended")
        try:
            manager = open_manager()
            with manager.transaction() as transaction:
                if not started.set_running_or_notify_cancel():
                    raise _Undone
                started.set_result(None)
                outcome = self._work(manager, transaction)
        except _Undone:
            pass
        except BaseException as error:
            if isinstance(error, LlmspellError):
                refusal = error
            if outcome.running() or (not outcome.done() and outcome.set_running_or_notify_cancel()):
                outcome.set_exception(error)
        else:
            outcome.set_result(None)
        finally:
            self._refuse(refusal)

    def _work(self, manager: "StateManager", transaction: "Transaction") -> "Future[None]":
        """Do the jobs until the one that ends the transaction, which is given back to be told how it went."""
        while True:
            left = None if transaction.deadline == inf else max(0.0, transaction.deadline - monotonic())
            try:
                fn, future = self._jobs.get(timeout=left)
            except Empty:
                transaction.check_deadline()
                continue
            is_wanted = future.set_running_or_notify_cancel()
            if fn is None:
                if is_wanted:
                    return future
                raise _Undone
            if is_wanted:
                try:
                    future.set_result(fn(manager))
                except BaseException as error:
                    future.set_exception(error)

    def _put(self, fn: "Callable[[StateManager], Any] | None", future: "Future[Any]") -> "Future[Any]":
        with self._guard:
            if self._refusal is not None:
                raise type(self._refusal)(self._refusal.message, hint=self._refusal.hint)
            self._jobs.put((fn, future))
        return future

    def _refuse(self, refusal: LlmspellError) -> None:
        with self._guard:
            self._refusal = refusal
            while not self._jobs.empty():
                _, future = self._jobs.get()
                if future.set_running_or_notify_cancel():
                    future.set_exception(refusal)


class _Undone(Exception):
    """Ends the transaction without a commit."""


def without_stop(fn: "Callable[..., T]") -> "Callable[..., T]":
    """`fn`, raising RuntimeError in place of StopIteration, which no future can carry."""

    def call(*arguments: object) -> T:
        try:
            return fn(*arguments)
        except StopIteration as error:
            raise RuntimeError("the function raised StopIteration") from error

    return call
