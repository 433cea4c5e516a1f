"""`Event`: scripts tell what has happened, and listen."""

from llmspell import values
from llmspell.errors import BadArgument, NotFound
from llmspell.state import moment
from llmspell.state.limits import check_limit
from llmspell.surface.model import Anything, Global, LastingCallback, Moment, Payload, Record, Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from llmspell.events.events import Events

    class Turns(Protocol):
        """What the script's thread does between its own steps (`languages.language.Stop`)."""

        errands: list[Callable[[], None]]
        afterwards: list[Callable[[], None]]

        @property
        def reason(self) -> object: ...

        def summon(self) -> None: ...

        def wake(self) -> None: ...

        def wait(self, seconds: float, until: Callable[[], bool] | None = None) -> bool: ...


NOTHING = values.MSGPACK + b"\xc0"
LONGEST_WAIT_MS = 10**12

if TYPE_CHECKING:
    from llmspell.events.event import Event as EventRecord
else:

    class EventRecord(Record):
        """What has happened. `language` is that of the publishing script, or `runtime`; `sequence` grows with every event."""

        id: str
        event_type: str
        data: Payload
        timestamp: str
        sequence: int
        correlation_id: str
        language: str
        metadata: dict[str, Anything]


EVENT = Type("record", python=EventRecord)


class EventSubscription(Record):
    """A subscription of this script."""

    id: str
    pattern: str
    language: str


class EventStats(Record):
    """What has happened on the bus, and who listens."""

    event_bus_stats: dict[str, int]
    bridge_stats: Anything


class Event(Global):
    """Events: one bus for scripts and for what the runtime itself does (`state.changed`, `session.*`, `artifact.*`,
    `backup.*`, `migration.*`). `docs/events.md` lists them.
    """

    name = "Event"

    def __init__(self, open_bus: "Callable[[], Events]", stop: "Turns", language: str = "") -> None:
        self._open_bus = open_bus
        self._stop = stop
        self._language = language
        self._bus: Events | None = None
        self._own: dict[str, bool] = {}
        """The script's subscriptions, and whether they have a handler."""

    def publish(
        self, type: str, data: Payload | None = None, *, correlation_id: str | None = None, ttl: float | None = None,
        tags: list[str] | None = None, source: str | None = None, language: str | None = None,
        ttl_seconds: float | None = None, priority: Anything = None,
    ) -> bool:  # fmt: skip
        """Tell everybody whose pattern matches. Always true; it waits for nobody.

        The event carries `correlation_id`, or else the correlation of the moment: that of the script's run, of the session, or of
        the event whose handler is running. After `ttl` seconds it is not delivered any more. Everything else comes out again in
        the event's `metadata`.
        """
        bus = self._bus or self._open()
        if language is None:
            language = self._language
        elif language == "runtime":
            raise BadArgument("the language 'runtime' is that of the runtime's own events")
        metadata = None
        if ttl is not None or tags is not None or source is not None or ttl_seconds is not None or priority is not None:
            given = {"ttl": ttl_seconds if ttl is None else ttl, "tags": tags, "source": source, "priority": priority}
            metadata = {name: item for name, item in given.items() if item is not None}
        bus.publish(type, data or NOTHING, correlation_id, language, metadata)
        return True

    def subscribe(
        self, pattern: str, handler: LastingCallback | None = None, *, language: str | None = None,
        ttl_seconds: float | None = None, priority: Anything = None,
    ) -> str:  # fmt: skip
        """Listen to events from now on; the subscription's id. `*` in the pattern stands for one or more characters.

        Without a handler, `receive` gives the events. With one, it is called with each event: while the script waits in
        `receive` or `sleep`, at its next call of any function of these globals, and at its end; never inside a transaction, an
        update, a hook or another handler. What it raises is a warning. It runs under the correlation of its event. The queue
        is bounded: the oldest event falls off. A subscription ends with its script. `ttl_seconds` and `priority` mean nothing
        here; old scripts may give them.
        """
        del ttl_seconds, priority
        bus, stop = self._bus or self._open(), self._stop
        language = language or self._language
        if handler is None:
            subscription = bus.subscribe(pattern, language=language, notify=stop.wake)
        else:
            from llmspell.surface.reply import payload_writer

            call, write = handler, payload_writer(EVENT, self._language)
            subscription = bus.subscribe(
                pattern, lambda event: call(write(event)), language=language, notify=stop.summon
            )
        self._own[subscription] = handler is not None
        return subscription

    def receive(self, subscription: str, timeout_ms: float = 5000) -> EventRecord | None:
        """The next event of a subscription; nothing when none has come in time. `not_found` when it has ended."""
        bus = self._bus or self._open()
        if self._own.get(subscription) is not False:
            self._refuse(subscription)
        if not 0 <= timeout_ms <= LONGEST_WAIT_MS:
            raise BadArgument(f"timeout_ms must be 0 to {LONGEST_WAIT_MS}, got {timeout_ms:g}")
        return bus.receive(subscription, timeout_ms / 1000, self._stop.wait)

    def unsubscribe(self, id: str) -> bool:
        """End a subscription of this script; whether there was one. What waits in it is lost."""
        return self._own.pop(id, None) is not None and (self._bus or self._open()).unsubscribe(id)

    def list_subscriptions(self) -> list[EventSubscription]:
        """The subscriptions of this script, oldest first."""
        bus = self._bus or self._open()
        return [
            EventSubscription(id=found.id, pattern=found.pattern.text, language=found.language)
            for found in bus.subscriptions()
            if found.id in self._own
        ]

    def get_stats(self) -> EventStats:
        """Counts of the whole bus: `event_bus_stats` of events, `bridge_stats` of subscriptions."""
        bus = self._bus or self._open()
        languages: dict[str, int] = {}
        for found in bus.subscriptions():
            languages[found.language] = languages.get(found.language, 0) + 1
        bridge = {"active_subscriptions": sum(languages.values()), "subscriptions_by_language": languages}
        return EventStats(event_bus_stats=bus.stats(), bridge_stats=bridge)

    def timeline(
        self, correlation_id: str, *, since: Moment = 0, limit: int | None = None
    ) -> list[dict[str, Anything]]:
        """What a correlation has led to, oldest first: `{at, kind, correlation_id, …}`; `since` is a time, exclusive.

        Kinds: event.published (with `event_id`, `event_type`, `data`, `sequence`, `language`), state.saved, state.deleted,
        state.expired (with `scope`, `key`, `version`), hook.executed (with `point`, `hook`, `duration`), and those of the
        timelines of sessions. Changes come from the journal, also those of other processes; events and runs of hooks as far as
        this process remembers them, and as the session has them that has this correlation, or is the current one.
        """
        check_limit(limit)
        entries = (self._bus or self._open()).timeline.read(correlation_id, since=moment.parse(since), limit=limit)
        return [
            {**entry.data, "at": moment.text(entry.at), "kind": entry.kind, "correlation_id": entry.correlation_id}
            for entry in entries
        ]

    def _open(self) -> "Events":
        self._bus = bus = self._open_bus()
        self._stop.errands.append(self._run_handlers)
        self._stop.afterwards.append(self._end)
        return bus

    def _run_handlers(self) -> None:
        assert self._bus is not None
        stop = self._stop
        self._bus.dispatch(
            [id for id, has_handler in self._own.items() if has_handler], lambda: stop.reason is not None
        )

    def _end(self) -> None:
        """End the subscriptions of the script."""
        bus = self._bus
        assert bus is not None
        left = sum(len(found.queue.events) for found in bus.subscriptions() if self._own.get(found.id))
        if left and self._stop.reason is None:
            bus.warn(
                "handlers of events have caused more events without end; the last ones reached none", {"left": left}
            )
        for id in list(self._own):
            self.unsubscribe(id)

    def _refuse(self, subscription: str) -> None:
        if self._own.get(subscription):
            raise BadArgument("this subscription has a handler, which gets its events")
        raise NotFound(f"there is no subscription '{subscription[:60]}'; it may have ended")
