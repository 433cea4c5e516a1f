"""`Events`: the bus of one runtime, for scripts, services and Python code alike."""

import os
import time
from _thread import allocate_lock, get_ident
from collections import deque
from contextlib import contextmanager

from llmspell import values
from llmspell.errors import BadArgument, LimitExceeded, NotFound, ValueTooLarge
from llmspell.events.event import OVERHEAD, Event, Origin
from llmspell.events.pattern import Pattern
from llmspell.events.subscription import Held, Queue, Subscription
from llmspell.events.timeline import RecentEvents, Timeline
from llmspell.ids import new_id
from llmspell.state.correlation import Correlation, check_correlation_id
from llmspell.state.manager import now_micros
from llmspell.state.scope import has_control_character, is_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager
    from typing import Any

    from llmspell.state.correlation import Correlated

    Handler = Callable[[Event], object]

NOTHING = values.MSGPACK + b"\xc0"
"""The payload of an event without data."""
MAX_TEXT_BYTES = 255
MAX_SUBSCRIPTIONS = 1000
MAX_HELD = 256 << 20
"""Bytes that may wait in all queues together, besides what one queue may hold."""
MAX_RECENT = 10_000
"""How many events of the past timelines tell of, and how many large ones."""
SMALL = 4096
"""Bytes of data up to which only the number of remembered events is bounded, and not their size."""
MAX_CHAIN = 1000
"""How many handlers may cause each other, one after the other, before the events of the last one reach no handler."""
LONGEST_WAIT = 10**9
_REMEMBERED_TYPES = 4096
_NO_METADATA: "dict[str, Any]" = {}


def silent(message: str, fields: "dict[str, Any]") -> None:
    """A log that nobody reads."""


class Events:
    """Publish and subscribe. Usable from many threads at once.

    A queue holds `buffer_size` events: the oldest falls off and is counted as dropped. Beyond `max_per_second` (0 for no limit)
    publishing raises LimitExceeded; the runtime's own events are not limited. What is published carries the correlation of
    the moment, that of `owner` (a StateManager, or the bus itself), and a handler runs under the correlation of its event.

    `timeline` collects what one correlation has led to, from the last events and whatever other source it is given.
    `recorders` get every event, on the publisher's thread; they must not raise. `watchers` are called when subscriptions
    come or go. `warn(message, fields)` is told of handlers that raise.

    >>> events = Events()
    >>> waiting = events.subscribe("user.*")
    >>> events.emit("user.created", {"name": "Ada"}).sequence
    1
    >>> event = events.receive(waiting, timeout=1)
    >>> event.event_type, event.value
    ('user.created', {'name': 'Ada'})
    """

    def __init__(
        self,
        owner: "Correlated | None" = None,
        *,
        buffer_size: int = 10_000,
        max_per_second: int = 0,
        max_data_bytes: int = 10_000_000,
        clock: "Callable[[], int]" = now_micros,
        warn: "Callable[[str, dict[str, Any]], None]" = silent,
    ) -> None:
        self.owner: Correlated = owner or self
        self.correlation_id = ""
        self.buffer_size = buffer_size
        self.max_per_second = max_per_second
        self.max_data_bytes = max_data_bytes
        self.clock = clock
        self.warn = warn
        self.recorders: list[Callable[[Event], None]] = []
        self.watchers: list[Callable[[], None]] = []
        self._held = Held()
        self._max_held = MAX_HELD + buffer_size * OVERHEAD
        self._recent: deque[Event] = deque(maxlen=min(buffer_size, MAX_RECENT))
        self._recent_large = Queue(MAX_RECENT, Held())
        self.timeline = Timeline()
        self.timeline.sources.append(RecentEvents(self._recent, self._recent_large.events))
        self._origin = Origin(os.urandom(6))
        self._lock = allocate_lock()
        self._subscriptions: dict[str, Subscription] = {}
        self._matching: dict[str, list[Subscription]] = {}
        self._chains: dict[int, int] = {}
        self._unheard: set[int] = set()
        """The threads whose events reach nobody."""
        self._sequence = 0
        self._delivered = self._processed = self._dropped = self._violations = self._failures = 0
        self._second = self._in_second = 0

    # Publishing

    def publish(
        self, type: str, data: bytes = NOTHING, correlation_id: str | None = None, language: str = "python",
        metadata: "dict[str, Any] | None" = None,
    ) -> Event:  # fmt: skip
        """Tell everybody whose pattern matches; `data` is a payload. Waits for nobody.

        A `ttl` in the metadata says after how many seconds it is not delivered any more. Raises BadArgument for a type that is
        none, ValueTooLarge, and LimitExceeded for a flood; then nobody gets it.
        """
        expires = None
        if metadata is not None:
            expires = _end_of(metadata.get("ttl"))
        if correlation_id is None:
            correlation_id = self.owner.current_correlation_id()
        else:
            check_correlation_id(correlation_id)
        if len(data) > self.max_data_bytes:
            raise ValueTooLarge(f"the data are {len(data)} bytes, the limit is {self.max_data_bytes}")
        matching = self._matching.get(type)
        if matching is None:
            matching = self._match(type)
        if self._unheard and get_ident() in self._unheard:
            return Event(self._origin, 0, self.clock(), type, data, correlation_id, language, metadata or _NO_METADATA)
        with self._lock:
            if self.max_per_second and language != "runtime":
                self._limit_rate()
            if self._held.bytes > MAX_HELD and matching:
                self._check_held(len(data) * len(matching))
            self._sequence = sequence = self._sequence + 1
            event = Event(
                self._origin, sequence, self.clock(), type, data, correlation_id, language, metadata or _NO_METADATA
            )
            if expires is not None:
                event.expires = expires
            if self._chains:
                event.chain = self._chains.get(get_ident(), 0)
            if len(data) <= SMALL:
                self._recent.append(event)
            else:
                self._recent_large.add(event)
            for subscription in matching:
                if event.chain < MAX_CHAIN or subscription.handler is None:
                    subscription.queue.add(event)
                    self._delivered += 1
                else:
                    self._dropped += 1
        for recorder in self.recorders:
            recorder(event)
        if event.chain >= MAX_CHAIN and matching:
            self.warn("handlers of events cause each other without end", {"event_type": type, "chain": event.chain})
        for subscription in matching:
            subscription.notify()
        return event

    def emit(
        self, type: str, value: "Any" = None, *, correlation_id: str | None = None, language: str = "python",
        ttl: float | None = None, tags: "list[str] | None" = None, source: str | None = None, priority: "Any" = None,
    ) -> Event:  # fmt: skip
        """`publish` for a Python value; `ttl` (seconds), `tags`, `source` and `priority` become the metadata."""
        given = metadata(ttl=ttl, tags=tags, source=source, priority=priority)
        return self.publish(type, values.encode(value), correlation_id, language, given)

    def wants(self, type: str) -> bool:
        """Whether a subscription matches events of this type."""
        matching = self._matching.get(type)
        return bool(self._match(type) if matching is None else matching)

    @contextmanager
    def unheard(self) -> "Iterator[None]":
        """What this thread publishes in the block reaches nobody, and leaves no trace."""
        thread = get_ident()
        was_unheard = thread in self._unheard
        self._unheard.add(thread)
        try:
            yield
        finally:
            if not was_unheard:
                self._unheard.discard(thread)

    # Correlation, of a bus without a state beside it

    def current_correlation_id(self) -> str:
        """What is published now on this thread or task carries it."""
        return Correlation.current(self)

    def with_correlation(self, correlation_id: str) -> "AbstractContextManager[Events]":
        """What this thread or task publishes in the block carries the id. Raises BadArgument."""
        return Correlation(self, correlation_id)

    # Subscribing

    def subscribe(
        self, pattern: str, handler: "Handler | None" = None, *, language: str = "python",
        notify: "Callable[[], None] | None" = None,
    ) -> str:  # fmt: skip
        """Listen to the events that match from now on; the id of the subscription.

        Without a `handler` they wait for `receive`. A handler is called on the publisher's thread, for one event after the
        other: one that publishes what it listens to gets that when it has returned. What it raises is a warning and is
        counted. With `notify` nothing is called but that, and someone then calls `receive` or `dispatch`.
        """
        _check_text(pattern, "pattern")
        with self._lock:
            if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
                raise LimitExceeded(f"there are {MAX_SUBSCRIPTIONS} subscriptions already, the most that there may be")
            queue = Queue(self.buffer_size, self._held)
            subscription = Subscription(new_id(), Pattern(pattern), language, queue, handler)
            if notify is not None:
                subscription.notify = notify
            elif handler is not None:
                subscription.notify = lambda: self._deliver(subscription)
            self._subscriptions[subscription.id] = subscription
            self._matching = {}
        self._tell_watchers()
        return subscription.id

    def unsubscribe(self, id: str) -> bool:
        """End a subscription, with all that waits in it; whether there was one."""
        with self._lock:
            subscription = self._subscriptions.pop(id, None)
            if subscription is None:
                return False
            self._dropped += subscription.queue.dropped
            subscription.queue.clear()
            self._matching = {}
        subscription.notify()
        self._tell_watchers()
        return True

    def receive(
        self, id: str, timeout: float = 5.0, wait: "Callable[[float, Callable[[], bool]], bool] | None" = None
    ) -> Event | None:
        """The next event of a subscription; None when none has come after `timeout` seconds.

        `wait(seconds, until)` sleeps for so long at most, and no longer than until `until()` after it has been notified; it gives
        True when the script is to end. Raises NotFound for a subscription that has ended, also while it waits.
        """
        subscription = self._find(id)
        event = self._take(subscription)
        if event is not None:
            return event
        queue, end, is_there = subscription.queue, time.monotonic() + timeout, True
        wait = wait or subscription.wake.wait

        def look() -> bool:
            nonlocal is_there
            is_there = bool(queue.events) or id not in self._subscriptions
            return is_there

        while is_there:  # another thread may take what was there
            is_there = False
            if wait(max(0.0, end - time.monotonic()), look):
                return None
            event = self._take(self._find(id))
            if event is not None:
                return event
        return None

    def dispatch(self, ids: "Collection[str]", is_over: "Callable[[], bool]" = lambda: False) -> None:
        """Give the handlers of these subscriptions what waits for them by now, in the order of its publication.

        What they publish waits for the next time. Ends early once `is_over()`.
        """
        last = self._sequence
        while not is_over():
            subscription = self._first(ids, last)
            if subscription is None:
                return
            event = self._take(subscription)
            if event is not None:
                self._handle(subscription, event)

    def subscriptions(self) -> "list[Subscription]":
        """Those that there are, oldest first."""
        with self._lock:
            return list(self._subscriptions.values())

    def stats(self) -> "dict[str, int]":
        """What has happened so far.

        `delivered` counts each event once for every subscription that it was put into, `events_processed` once for every one
        that took it out; `dropped` those that fell off, were too old, or came at the end of an endless chain.
        """
        with self._lock:
            dropped = self._dropped + sum(part.queue.dropped for part in self._subscriptions.values())
            return {
                "published": self._sequence,
                "delivered": self._delivered,
                "dropped": dropped,
                "events_processed": self._processed,
                "rate_limit_violations": self._violations,
                "handler_failures": self._failures,
                "buffer_size": self.buffer_size,
            }

    def _match(self, type: str) -> "list[Subscription]":
        """The subscriptions that events of this type go to, remembered until the next one comes or goes."""
        _check_text(type, "type")
        if "*" in type:
            raise BadArgument(f"the type '{type}' holds a '*', which only patterns do")
        with self._lock:
            found = [part for part in self._subscriptions.values() if part.pattern.matches(type)]
            if len(self._matching) >= _REMEMBERED_TYPES:
                self._matching = {}
            self._matching[type] = found
        return found

    def _check_held(self, more: int) -> None:
        if self._held.bytes + more > self._max_held:
            raise LimitExceeded(f"the events that wait take {self._held.bytes >> 20} MiB", hint="receive them")

    def _limit_rate(self) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._in_second = second, 0
        if self._in_second >= self.max_per_second:
            self._violations += 1
            raise LimitExceeded(
                f"more than {self.max_per_second} events in a second", hint="raise max_per_second in [runtime.events]"
            )
        self._in_second += 1

    def _find(self, id: str) -> Subscription:
        subscription = self._subscriptions.get(id)
        if subscription is None:
            raise NotFound(f"there is no subscription '{id[:60]}'; it may have ended")
        return subscription

    def _first(self, ids: "Collection[str]", last: int) -> Subscription | None:
        """The subscription for which the oldest event waits, none that is younger than `last`."""
        found = None
        with self._lock:
            for id in ids:
                subscription = self._subscriptions.get(id)
                if subscription is not None and subscription.queue.events:
                    sequence = subscription.queue.events[0].sequence
                    if sequence <= last:
                        last, found = sequence - 1, subscription
        return found

    def _take(self, subscription: Subscription) -> Event | None:
        """What is next in a queue, without what is too old."""
        queue = subscription.queue
        with self._lock:
            while queue.events:
                event = queue.pop()
                if event.expires is None or time.monotonic() < event.expires:
                    self._processed += 1
                    return event
                self._dropped += 1
        return None

    def _deliver(self, subscription: Subscription) -> None:
        """Call a handler for all that waits; what it causes itself is left to the call that is running."""
        while subscription.queue.events:
            with self._lock:
                if subscription.is_running:
                    return
                subscription.is_running = True
            try:
                while (event := self._take(subscription)) is not None:
                    self._handle(subscription, event)
            finally:
                subscription.is_running = False

    def _handle(self, subscription: Subscription, event: Event) -> None:
        thread, handler = get_ident(), subscription.handler
        assert handler is not None
        outer = self._chains.get(thread)
        self._chains[thread] = event.chain + 1
        try:
            if event.correlation_id in ("", self.owner.current_correlation_id()):
                handler(event)
            else:
                with self.owner.with_correlation(event.correlation_id):
                    handler(event)
        except Exception as error:
            with self._lock:
                self._failures += 1
            subscription.failures = failures = subscription.failures + 1
            if failures & (failures - 1) == 0:  # the first, then ever more rarely
                fields = {"event_type": event.event_type, "pattern": subscription.pattern.text, "failures": failures}
                self.warn(f"a handler of events has failed: {error}", fields)
        finally:
            if outer is None:
                del self._chains[thread]
            else:
                self._chains[thread] = outer

    def _tell_watchers(self) -> None:
        for watcher in self.watchers:
            watcher()


def metadata(**given: "Any") -> "dict[str, Any] | None":
    """What there is of it."""
    found = {name: item for name, item in given.items() if item is not None}
    return found or None


def _end_of(ttl: object) -> float | None:
    """When an event with this time to live is too old, by the monotonic clock."""
    if ttl is None:
        return None
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl <= LONGEST_WAIT:
        raise BadArgument(f"ttl must be a number of seconds above 0, got {ttl!r}")
    return time.monotonic() + ttl


def _check_text(text: object, what: str) -> None:
    if not isinstance(text, str) or not text:
        raise BadArgument(f"the {what} of an event must be text that is not empty, got {text!r}")
    if not is_utf8(text) or has_control_character(text) or len(text.encode()) > MAX_TEXT_BYTES:
        raise BadArgument(
            f"the {what} {text[:60]!r} of an event is longer than {MAX_TEXT_BYTES} bytes, or holds control characters"
        )
