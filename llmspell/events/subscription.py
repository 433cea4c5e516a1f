"""`Subscription`: the events of one pattern that wait for one listener."""

import time
from _thread import TIMEOUT_MAX, allocate_lock
from collections import deque

from llmspell.events.event import OVERHEAD
from llmspell.events.pattern import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.events.event import Event

MAX_BYTES = 64 << 20
"""What the data of the events that wait in one queue may take together: beyond it the oldest falls off as well."""


class Held:
    """How many bytes wait in all queues together."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0


class Queue:
    """Events in the order of their publication; beyond `size` events, or MAX_BYTES, the oldest falls off."""

    __slots__ = ("_all", "_bytes", "_max_bytes", "_size", "dropped", "events")

    def __init__(self, size: int, held: Held) -> None:
        self.events: deque[Event] = deque()
        self.dropped = 0
        self._size = size
        self._bytes = 0
        self._max_bytes = MAX_BYTES + size * OVERHEAD
        self._all = held

    def add(self, event: "Event") -> None:
        events = self.events
        events.append(event)
        size = len(event.data) + OVERHEAD
        self._bytes += size
        self._all.bytes += size
        if len(events) > self._size or self._bytes > self._max_bytes:
            self._shorten()

    def pop(self) -> "Event":
        event = self.events.popleft()
        size = len(event.data) + OVERHEAD
        self._bytes -= size
        self._all.bytes -= size
        return event

    def _shorten(self) -> None:
        events = self.events
        while len(events) > self._size or (self._bytes > self._max_bytes and len(events) > 1):
            self.pop()
            self.dropped += 1

    def clear(self) -> None:
        while self.events:
            self.pop()


class Subscription:
    """One pattern, and what becomes of the events that match it.

    Without a `handler` they wait for `receive`. `notify` is called whenever one more waits.
    """

    __slots__ = ("failures", "handler", "id", "is_running", "language", "notify", "pattern", "queue", "wake")

    def __init__(
        self, id: str, pattern: Pattern, language: str, queue: Queue, handler: "Callable[[Event], object] | None"
    ) -> None:
        self.id = id
        self.pattern = pattern
        self.language = language
        self.queue = queue
        self.handler = handler
        self.wake = Wake()
        self.notify: Callable[[], None] = self.wake.wake
        self.failures = 0
        """How many times the handler has raised."""
        self.is_running = False


class Wake:
    """Lets one thread sleep until another has something for it."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._lock.acquire()

    def wake(self) -> None:
        if self._lock.locked():
            try:
                self._lock.release()
            except RuntimeError:
                return  # another thread has been faster

    def wait(self, seconds: float, until: "Callable[[], bool]") -> bool:
        """Sleep until `until` gives True after a `wake`; False, which says that nothing else has ended the sleep."""
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            if left <= 0:
                break
            self._lock.acquire(timeout=min(left, TIMEOUT_MAX))
        return False
