"""`Telemetry`: turns what a runtime does into spans and metrics."""

import time
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.metrics import Observation
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, set_span_in_context

from llmspell import __version__
from llmspell.telemetry.batch import Batch
from llmspell.telemetry.trace_ids import new_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

    from opentelemetry.metrics import CallbackOptions
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.util.types import AttributeValue

    from llmspell.events.event import Event
    from llmspell.hooks.hook import Execution
    from llmspell.state.entry import Commit
    from llmspell.state.metrics import Metrics

    Attributes = dict[str, AttributeValue]

SCOPE = "llmspell"
SHUTDOWN_MILLIS = 5000
COUNTED = ("reads", "writes", "deletes")
TOLD = (
    "duration_ms",
    "status",
    "type",
    "from_version",
    "to_version",
    "size_bytes",
    "entry_count",
    "migrated",
    "skipped",
)
"""What of an announcement's data a span tells: figures and kinds, nothing that a user has written."""


class Telemetry:
    """Spans of scripts, hooks, events, backups, migrations and batches of commits; counters, and figures of the state.

    Every span carries `llmspell.correlation_id`, and is in the trace that the correlation decides, in every process; one that
    happens during a script's run but under another correlation has a link to the run. Of events and hooks at most
    `max_spans_per_second` become spans; the counters count all. No span holds data, keys, values or messages of errors.

    Usable from many threads. Nothing here raises, and nothing waits for a collector but `close`, for some seconds.
    """

    def __init__(
        self, tracer_provider: "TracerProvider", meter_provider: "MeterProvider", *, max_spans_per_second: int = 100
    ) -> None:
        self._tracer_provider = tracer_provider
        self._meter_provider = meter_provider
        self._tracer = tracer_provider.get_tracer(SCOPE, __version__)
        self._meter = meter = meter_provider.get_meter(SCOPE, __version__)
        self._budget = Budget(max_spans_per_second)
        self._run: tuple[Span, str] | None = None
        self._batch: Batch | None = None
        self._is_closed = False
        self._guard = Lock()
        self._runs = meter.create_histogram("llmspell.script.duration", unit="s", description="How long scripts ran")
        self._hooks = meter.create_histogram("llmspell.hook.duration", unit="s", description="How long hooks ran")
        self._events = meter.create_counter("llmspell.events", description="Events that were published")
        self._announced = meter.create_counter("llmspell.operations", description="Backups, migrations and the like")

    @contextmanager
    def run(self, name: str, language: str, correlation_id: str) -> "Iterator[None]":
        """The run of a script: a span for the block. An error is told by its code."""
        attributes: Attributes = {"llmspell.script": name, "llmspell.language": language}
        began = time.monotonic()
        span = self._begin("script", correlation_id, attributes, time.time_ns())
        self._run, outcome = (span, correlation_id), "done"
        try:
            yield
        except BaseException as error:
            outcome = getattr(error, "code", "exit")
            if getattr(error, "status", 1):  # a script may end itself with status 0
                span.set_status(Status(StatusCode.ERROR, outcome))
            raise
        finally:
            self._end_batch()
            self._run = None
            span.end()
            measured = {"llmspell.language": language, "llmspell.outcome": outcome}
            self._runs.record(time.monotonic() - began, measured)

    def record_execution(self, execution: "Execution") -> None:
        """A hook has run: a recorder of hooks."""
        attributes: Attributes = {
            "llmspell.hook.point": execution.point, "llmspell.hook.name": execution.hook,
            "llmspell.language": execution.language,
        }  # fmt: skip
        failed = bool(execution.error)
        self._hooks.record(execution.duration, {"llmspell.hook.point": execution.point, "llmspell.failed": failed})
        if self._budget.admits():
            begin = execution.at * 1000
            end = begin + int(execution.duration * 1e9)
            name = f"hook {execution.point}"
            self._span(name, execution.correlation_id, attributes, begin, end, failed=failed)

    def record_event(self, event: "Event") -> None:
        """An event has been published: a recorder of events. Those of the runtime come by `announce` and `record_commit`."""
        self._events.add(1, {"llmspell.language": event.language})
        if event.language != "runtime" and self._budget.admits():
            attributes: Attributes = {"llmspell.event.id": event.id, "llmspell.language": event.language}
            begin = event.at * 1000
            self._span(
                f"event {event.event_type}", event.correlation_id, attributes, begin, begin, kind=SpanKind.PRODUCER
            )

    def record_commit(self, commit: "Commit") -> None:
        """The state has changed: a listener of the state."""
        with self._guard:
            batch = self._batch
            if batch is not None and batch.takes(commit):
                batch.add(commit)
                return
            self._batch = Batch(commit)
        if batch is not None:
            self._finish(batch)

    def announce(self, event: str, data: "dict[str, Any]", correlation_id: str) -> None:
        """A service has told what it has done: a span as long as it took, where it says so."""
        end = time.time_ns()
        took = data.get("duration_ms")
        begin = end - int(took * 1e6) if isinstance(took, int | float) else end
        attributes: Attributes = {f"llmspell.{name}": data[name] for name in TOLD if name in data}
        self._announced.add(1, {"llmspell.operation": event})
        self._span(event, correlation_id, attributes, begin, end, failed=event.endswith(".failed"))

    def observe_state(self, metrics: "Metrics") -> None:
        """Tell the figures of the state whenever metrics are exported."""

        def counts(_: "CallbackOptions") -> "Iterable[Observation]":
            return [Observation(getattr(metrics, name), {"llmspell.operation": name}) for name in COUNTED]

        def figure(name: str) -> "Callable[[CallbackOptions], Iterable[Observation]]":
            return lambda _: [Observation(metrics.snapshot()[name])]

        self._meter.create_observable_counter("llmspell.state.operations", [counts])
        self._meter.create_observable_gauge("llmspell.state.latency.avg", [figure("avg_latency_us")], unit="us")
        self._meter.create_observable_gauge("llmspell.state.latency.p99", [figure("p99_latency_us")], unit="us")
        self._meter.create_observable_gauge("llmspell.state.hit_rate", [figure("cache_hit_rate")])

    def close(self) -> None:
        """Export what waits, for some seconds at most. Closing twice is harmless."""
        if self._is_closed:
            return
        self._is_closed = True
        self._end_batch()
        self._tracer_provider.force_flush(SHUTDOWN_MILLIS)
        self._tracer_provider.shutdown()
        self._meter_provider.shutdown(SHUTDOWN_MILLIS)

    def _end_batch(self) -> None:
        with self._guard:
            batch, self._batch = self._batch, None
        if batch is not None:
            self._finish(batch)

    def _finish(self, batch: Batch) -> None:
        self._span("state", batch.correlation_id, {**batch.attributes()}, batch.begin * 1000, batch.end * 1000)

    def _span(
        self, name: str, correlation_id: str, attributes: "Attributes", begin: int, end: int, *, failed: bool = False,
        kind: SpanKind = SpanKind.INTERNAL,
    ) -> None:  # fmt: skip
        span = self._begin(name, correlation_id, attributes, begin, kind)
        if failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(end)

    def _begin(
        self, name: str, correlation_id: str, attributes: "Attributes", begin: int, kind: SpanKind = SpanKind.INTERNAL
    ) -> Span:
        """A span inside the run, when that has the same correlation; else one of the correlation's own trace."""
        run, context, links = self._run, Context(), []
        if run is not None:
            if run[1] == correlation_id:
                context = set_span_in_context(run[0], context)
            else:
                links = [Link(run[0].get_span_context())]
        attributes = {**attributes, "llmspell.correlation_id": correlation_id}
        with new_trace(correlation_id):
            return self._tracer.start_span(name, context, kind, attributes=attributes, links=links, start_time=begin)


class Budget:
    """So many spans in each second, and no more."""

    def __init__(self, per_second: int, clock: "Callable[[], float]" = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._second = 0
        self._left = 0

    def admits(self) -> bool:
        second = int(self._clock())
        if second != self._second:
            self._second, self._left = second, self._per_second
        self._left -= 1
        return self._left >= 0
