"""`ChangeFeed`: the committed changes as they come, for asyncio."""

from asyncio import get_running_loop, sleep
from collections import deque
from typing import TYPE_CHECKING, Self

from llmspell.state.limits import timeout_seconds
from llmspell.state.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from llmspell.state.entry import Change
    from llmspell.state.manager import StateManager

    Found = tuple[list[Change], int | float | str, int | None]
    Reader = Callable[[Callable[[StateManager], Found]], Awaitable[Found]]
    Watch = Callable[[], Awaitable[int]]

PAGE = 256
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.02


class ChangeFeed:
    """Changes in the order of their commits, each once; then it waits for more, looking every 20 ms at the latest.

    A cancelled wait loses nothing: go on with the same feed. `position` is the `since` of a feed that is to go on later,
    in another process too; that one repeats the changes of at most one commit. Raises NotFound when changes that it has
    not given have left the journal.
    """

    def __init__(
        self, read: "Reader", watch: "Watch", since: int | float | str, scope: "str | Scope | None", prefix: str,
        timeout: float | None,
    ) -> None:  # fmt: skip
        """`read` runs a function where the state may be read; `watch` gives the generation of its store."""
        self.position = since
        self._read = read
        self._watch = watch
        self._scope = None if scope is None else Scope.parse(scope)
        self._prefix = prefix
        self._patience = None if timeout is None else timeout_seconds(timeout)
        self._found: deque[Change] = deque()
        self._following = since
        self._generation: int | None = None
        """That of the store when everything in it had been given."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> "Change":
        if not self._found:
            await self._wait()
        change = self._found.popleft()
        if not self._found:
            self.position = self._following
        else:
            self.position = change.version - (self._found[0].version == change.version)
        return change

    async def _wait(self) -> None:
        now = get_running_loop().time
        until = None if self._patience is None else now() + self._patience
        pause = _FIRST_PAUSE
        while True:
            is_last = until is not None and now() >= until
            # The last look is a real one: what was committed before it must not be missed.
            if is_last or self._generation is None or await self._watch() != self._generation:
                # Kept only here, after the await: what a cancelled look finds on its thread is looked for again.
                changes, self._following, self._generation = await self._read(self._look)
                self._found.extend(changes)
                if changes:
                    return
            if is_last:
                raise StopAsyncIteration
            await sleep(pause if until is None else max(0.0, min(pause, until - now())))
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _look(self, state: "StateManager") -> "Found":
        generation = state.store.generation()
        changes, following = state.changes(since=self._following, scope=self._scope, prefix=self._prefix, limit=PAGE)
        return changes, following, None if len(changes) == PAGE else generation
