"""Spans and metrics of a whole runtime, seen by a real exporter in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from llmspell.errors import ScriptError
from llmspell.languages.language import ScriptExit
from llmspell.runtime import Runtime
from llmspell.state.entry import Commit
from llmspell.telemetry.batch import MAX_COMMITS, Batch
from llmspell.telemetry.telemetry import Budget, Telemetry
from llmspell.telemetry.trace_ids import TraceIds, trace_id_of
from tests.languages.engine import open_runtime


class Watched:
    """A runtime whose spans and metrics stay here."""

    def __init__(self, **overrides: object) -> None:
        self.exporter = InMemorySpanExporter()
        tracer_provider = TracerProvider(id_generator=TraceIds(), shutdown_on_exit=False)
        tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        meter_provider = MeterProvider([self.reader], shutdown_on_exit=False)
        self.telemetry = Telemetry(tracer_provider, meter_provider, max_spans_per_second=10_000)
        self.runtime: Runtime = open_runtime(**overrides)
        self.runtime._telemetry = self.telemetry
        self.telemetry.observe_state(self.runtime.state.metrics)
        self.runtime.state.listeners.append(self.telemetry.record_commit)

    def run(self, source: str, name: str = "x.lua") -> None:
        self.runtime.run(source.encode(), name=name)

    @property
    def spans(self) -> dict[str, list[ReadableSpan]]:
        found: dict[str, list[ReadableSpan]] = {}
        for span in self.exporter.get_finished_spans():
            found.setdefault(span.name, []).append(span)
        return found

    def metrics(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        assert data is not None
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture
def watched() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    watched.runtime.close()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return {name.removeprefix("llmspell."): value for name, value in (span.attributes or {}).items()}


def test_a_run_is_a_span_in_the_trace_of_its_correlation(watched: Watched) -> None:
    watched.run("State.save('app', 'k', 1)")
    (script,) = watched.spans["script"]
    correlation_id = attributes(script)["correlation_id"]
    assert correlation_id == watched.runtime.state.history("app", "k")[0].correlation_id
    assert script.context is not None
    assert script.context.trace_id == UUID(correlation_id).int
    assert attributes(script) == {"script": "x.lua", "language": "lua", "correlation_id": correlation_id}
    assert script.start_time is not None
    assert script.end_time is not None
    assert script.start_time <= script.end_time
    assert script.status.status_code is StatusCode.UNSET


def test_commits_are_batched_into_one_span_without_names_or_values(watched: Watched) -> None:
    watched.run(
        "for i = 1, 50 do State.save('secret-scope', 'secret-key' .. i, 'secret-value') end "
        "State.delete('secret-scope', 'secret-key1')"
    )
    (state,) = watched.spans["state"]
    (script,) = watched.spans["script"]
    told = attributes(state)
    del told["correlation_id"]
    assert told == {
        "state.commits": 51, "state.first_version": 1, "state.last_version": 51, "state.saves": 50, "state.deletes": 1,
    }  # fmt: skip
    assert state.parent is not None
    assert state.parent.span_id == script.context.span_id  # type: ignore[union-attr]
    assert "secret" not in "".join(span.to_json() for span in watched.exporter.get_finished_spans())


def test_hooks_and_events_are_spans_in_the_run(watched: Watched) -> None:
    watched.run(
        """Hook.register("BeforeStateWrite", function() end, {name = "look"})
        Hook.register("BeforeStateWrite", function() error("secret") end, {name = "fail"})
        Event.publish("order.created", {secret = 1})
        State.save("app", "k", 1)"""
    )
    (script,) = watched.spans["script"]
    look, fail = watched.spans["hook BeforeStateWrite"]
    (event,) = watched.spans["event order.created"]
    assert (attributes(look)["hook.name"], look.status.status_code) == ("look", StatusCode.UNSET)
    assert (attributes(fail)["hook.name"], fail.status.status_code) == ("fail", StatusCode.ERROR)
    assert attributes(event)["event.id"]
    for span in (look, fail, event):
        assert span.parent is not None
        assert span.parent.span_id == script.context.span_id  # type: ignore[union-attr]
    assert "secret" not in "".join(span.to_json() for span in watched.exporter.get_finished_spans())


def test_what_another_correlation_causes_is_in_its_own_trace_with_a_link_to_the_run(watched: Watched) -> None:
    watched.run(
        """Event.subscribe("go", function() State.save("app", "k", 1) end)
        Event.publish("go", {}, {correlation_id = "request-7"})
        sleep(0)"""
    )
    (script,) = watched.spans["script"]
    (event,) = watched.spans["event go"]
    (state,) = watched.spans["state"]
    for span in (event, state):
        assert span.context is not None
        assert span.context.trace_id == trace_id_of("request-7") != script.context.trace_id  # type: ignore[union-attr]
        assert span.parent is None
        assert [link.context.span_id for link in span.links] == [script.context.span_id]  # type: ignore[union-attr]
        assert attributes(span)["correlation_id"] == "request-7"


def test_announcements_are_spans_as_long_as_what_they_tell_of(watched: Watched) -> None:
    watched.runtime.announce(
        "backup.created", {"id": "b", "duration_ms": 1500, "description": "secret"}, point="BackupCreated"
    )
    watched.runtime.announce("migration.failed", {"duration_ms": 5, "error": "secret"})
    (backup,) = watched.spans["backup.created"]
    (migration,) = watched.spans["migration.failed"]
    assert backup.end_time is not None
    assert backup.start_time is not None
    assert backup.end_time - backup.start_time == 1_500_000_000
    assert migration.status.status_code is StatusCode.ERROR
    assert "secret" not in backup.to_json() + migration.to_json()


def test_failed_runs_tell_the_code_and_a_good_exit_is_none(watched: Watched) -> None:
    with pytest.raises(ScriptError):
        watched.run("error('secret')")
    with pytest.raises(ScriptExit):
        watched.run("os.exit(0)")
    with pytest.raises(ScriptExit):
        watched.run("os.exit(3)")
    failed, good, bad = watched.spans["script"]
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, "script")
    assert good.status.status_code is StatusCode.UNSET
    assert bad.status.status_code is StatusCode.ERROR
    assert "secret" not in failed.to_json()


def test_a_flood_of_events_is_counted_and_not_all_of_it_traced(watched: Watched) -> None:
    now = [7.0]
    watched.telemetry._budget = Budget(5, lambda: now[0])
    for _ in range(2):
        watched.run("for i = 1, 50 do Event.publish('tick', {}) end")
        now[0] += 1
    assert len(watched.spans["event tick"]) == 10
    counts = {point.attributes["llmspell.language"]: point.value for point in watched.metrics()["llmspell.events"]}
    assert counts["lua"] == 100


def test_metrics_tell_the_figures_of_the_state_and_of_the_runs(watched: Watched) -> None:
    watched.run("for i = 1, 3 do State.save('a', 'b', i) end State.load('a', 'b')")
    metrics = watched.metrics()
    operations = {point.attributes["llmspell.operation"]: point.value for point in metrics["llmspell.state.operations"]}
    assert (operations["writes"], operations["reads"], operations["deletes"]) == (3, 1, 0)
    (runs,) = metrics["llmspell.script.duration"]
    assert (runs.count, runs.attributes["llmspell.outcome"]) == (1, "done")
    assert metrics["llmspell.state.hit_rate"][0].value == 1.0


def test_a_batch_ends_with_its_correlation_its_second_and_its_size() -> None:
    def commit(version: int, at: int = 0, correlation_id: str = "c") -> Commit:
        return Commit(version, at, correlation_id, {b"sapp\0k": 1})

    batch = Batch(commit(1))
    assert batch.takes(commit(2))
    assert not batch.takes(commit(2, correlation_id="d"))
    assert not batch.takes(commit(2, at=1_000_000))
    for version in range(2, MAX_COMMITS + 1):
        batch.add(commit(version))
    assert not batch.takes(commit(MAX_COMMITS + 1))
    assert batch.attributes()["llmspell.state.saves"] == MAX_COMMITS


def test_a_trace_id_is_that_of_the_uuid_or_a_hash_and_never_nothing() -> None:
    uuid = "01a20cd6-d4f8-7a78-818e-a39f3263e1d4"
    assert trace_id_of(uuid) == UUID(uuid).int
    assert trace_id_of("request-7") == trace_id_of("request-7") != trace_id_of("request-8")
    for odd in ("", "x" * 36, "00000000-0000-0000-0000-000000000000", "\ud800"):
        assert 0 < trace_id_of(odd) < 2**128


def test_a_backup_of_a_runtime_is_a_span_as_long_as_it_took(tmp_path: Path) -> None:
    watched = Watched(state__backup__enabled=True, state__backup__backup_dir=str(tmp_path / "backups"))
    watched.run("State.save('app', 'k', 1) State.create_backup('full', {description = 'secret'})")
    (backup,) = watched.spans["backup.created"]
    assert attributes(backup)["type"] == "full"
    assert attributes(backup)["duration_ms"] > 0
    assert backup.end_time is not None
    assert backup.start_time is not None
    assert backup.end_time > backup.start_time
    assert backup.parent is not None
    assert "secret" not in backup.to_json()
    watched.runtime.close()
