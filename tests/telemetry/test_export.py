"""The export to a collector: what arrives there, and what happens when there is none."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from llmspell.errors import ConfigError, NotEnabled
from tests.languages.engine import open_runtime


class Collector:
    """An HTTP server on the loopback that keeps what it is sent."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.received.append((self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    collector = Collector()
    yield collector
    collector.close()


def test_spans_and_metrics_arrive_at_the_collector_by_the_end_of_the_run(collector: Collector) -> None:
    settings = {"runtime__otel__enabled": True, "runtime__otel__endpoint": collector.endpoint + "/"}
    with open_runtime(**settings, runtime__otel__service_name="shop") as runtime:
        runtime.run(b"State.save('app', 'k', 1) Event.publish('order.created', {})", name="x.lua")
        correlation_id = runtime.state.history("app", "k")[0].correlation_id
    spans, names = {}, set()
    for path, body in collector.received:
        if path == "/v1/traces":
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = {item.key: item.value.string_value for item in resource.resource.attributes}
                assert service["service.name"] == "shop"
                spans.update({span.name: span for scope in resource.scope_spans for span in scope.spans})
        elif path == "/v1/metrics":
            for metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                names |= {metric.name for scope in metrics.scope_metrics for metric in scope.metrics}
    assert set(spans) == {"script", "state", "event order.created"}
    assert {span.trace_id.hex() for span in spans.values()} == {correlation_id.replace("-", "")}
    assert names >= {"llmspell.script.duration", "llmspell.state.operations", "llmspell.events"}


def test_a_collector_that_is_not_there_is_one_warning_and_some_seconds(
    capfd: pytest.CaptureFixture[str], collector: Collector
) -> None:
    endpoint = collector.endpoint
    collector.close()
    started = time.perf_counter()
    with open_runtime(
        runtime__otel__enabled=True, runtime__otel__endpoint=endpoint, runtime__otel__timeout_seconds=0.2
    ) as runtime:
        runtime.run(b"State.save('app', 'k', 1) return 5", name="x.lua")
    assert time.perf_counter() - started < 10
    err = capfd.readouterr().err
    assert err.count("could not be exported") == 1
    assert endpoint in err
    assert "Traceback" not in err


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("llmspell.telemetry.")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "opentelemetry"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(NotEnabled) as refused:
        open_runtime(runtime__otel__enabled=True)
    assert "pip install 'llmspell[otel]'" in refused.value.hint


@pytest.mark.parametrize("endpoint", ["localhost:4318", "ftp://x", "http://", ""])
def test_what_is_no_endpoint_is_a_config_error(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="endpoint"):
        open_runtime(runtime__otel__endpoint=endpoint)


def test_nothing_of_opentelemetry_is_imported_while_it_is_off() -> None:
    source = "Event.publish('a', {}) State.save('a', 'b', 1)"
    command = [sys.executable, "-X", "importtime", "-c", "from llmspell.cli.main import entry; entry()", "exec", source]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "llmspell.events.events" in done.stderr
    assert "telemetry" not in done.stderr
