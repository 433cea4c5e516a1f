"""`Timeline`: what one cause has led to: events, changes of the state and runs of hooks, in order."""

from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from llmspell.events.event import Event
    from llmspell.hooks.hook import Execution

    Source = Callable[[str, int], Iterable["Entry"]]


class Entry:
    """One thing that happened, at `at` (µs since 1970). `identity` is the same wherever it is told of."""

    __slots__ = ("at", "correlation_id", "data", "identity", "kind")

    def __init__(
        self, at: int, kind: str, correlation_id: str, data: "dict[str, Any]", identity: "tuple[Any, ...]"
    ) -> None:
        self.at = at
        self.kind = kind
        self.correlation_id = correlation_id
        self.data = data
        self.identity = identity


class Timeline:
    """Collects what several sources know of a correlation.

    A source is asked with the correlation and a time (µs), and gives what happened after it, in its own order. What several
    sources tell of counts once, as the first of them tells it.
    """

    def __init__(self) -> None:
        self.sources: list[Source] = []

    def read(self, correlation_id: str, *, since: int = 0, limit: int | None = None) -> list[Entry]:
        """Everything of a correlation after a time, oldest first, at most `limit`."""
        found: dict[tuple[Any, ...], Entry] = {}
        for source in self.sources:
            for entry in source(correlation_id, since):
                if entry.at > since:
                    found.setdefault(entry.identity, entry)
        return sorted(found.values(), key=lambda entry: entry.at)[:limit]


class RecentEvents:
    """The source of what a bus still remembers."""

    def __init__(self, *events: "Iterable[Event]") -> None:
        self._events = events

    def __call__(self, correlation_id: str, since: int) -> "list[Entry]":
        return [
            event_entry(event)
            for events in self._events
            for event in tuple(events)
            if event.correlation_id == correlation_id and event.at > since
        ]


class RecentExecutions:
    """The last runs of hooks, without their contexts and results: a recorder of hooks, and a source."""

    def __init__(self, size: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)

    def record(self, execution: "Execution") -> None:
        data: dict[str, Any] = {
            "point": execution.point, "hook": execution.hook, "language": execution.language,
            "duration": execution.duration,
        }  # fmt: skip
        if execution.error:
            data["error"] = execution.error
        identity = ("hook", execution.at, execution.point, execution.hook)
        self._entries.append(Entry(execution.at, "hook.executed", execution.correlation_id, data, identity))

    def __call__(self, correlation_id: str, since: int) -> "list[Entry]":
        return [entry for entry in tuple(self._entries) if entry.correlation_id == correlation_id and entry.at > since]


def event_entry(event: "Event") -> Entry:
    data = {
        "event_id": event.id, "event_type": event.event_type, "data": event.value, "sequence": event.sequence,
        "language": event.language,
    }  # fmt: skip
    return Entry(event.at, "event.published", event.correlation_id, data, ("event", event.id))


def change_entry(at: int, kind: str, correlation_id: str, data: "dict[str, Any]") -> Entry:
    """A change of the state; `data` has scope, key and version."""
    return Entry(at, kind, correlation_id, data, ("state", data["scope"], data["key"], data["version"]))
