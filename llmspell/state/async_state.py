"""`AsyncState`: the operations on the state as coroutines."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from builtins import list as list_
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from llmspell.state.entry import Entry, Revision
    from llmspell.state.manager import StateManager
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
    def transaction(self) -> "AbstractAsyncContextManager[AsyncState]":
        """Everything in its `async with` block commits together, or nothing when the block raises or is cancelled."""
