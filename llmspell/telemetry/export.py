"""Sending spans and metrics to a collector, by OTLP over HTTP."""

import logging
from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from llmspell import __version__
from llmspell.telemetry.telemetry import Telemetry
from llmspell.telemetry.trace_ids import TraceIds

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Warn = Callable[[str, dict[str, Any]], None]


class Warnings(logging.Handler):
    """The library's complaints (a collector that does not answer) as one warning of ours, and no tracebacks."""

    def __init__(self, warn: "Warn", endpoint: str) -> None:
        super().__init__(logging.WARNING)
        self._warn = warn
        self._endpoint = endpoint
        self._has_warned = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._has_warned:
            self._has_warned = True
            problem = record.getMessage().partition("\n")[0][:200]
            self._warn("spans or metrics could not be exported", {"endpoint": self._endpoint, "problem": problem})


def open_exporting(
    endpoint: str,
    *,
    service_name: str,
    timeout: float,
    metrics_interval: float,
    max_spans_per_second: int,
    warn: "Warn",
) -> Telemetry:
    """Telemetry that is sent to the collector at `endpoint`, in the background.

    Headers, certificates and compression are those of the variables `OTEL_EXPORTER_OTLP_…`.
    """
    logger = logging.getLogger("opentelemetry")
    others = [handler for handler in logger.handlers if not isinstance(handler, Warnings)]
    logger.handlers = [*others, Warnings(warn, endpoint)]
    logger.propagate = bool(others)
    resource = Resource.create({"service.name": service_name, "service.version": __version__})
    base = endpoint.rstrip("/")
    tracer_provider = TracerProvider(resource=resource, id_generator=TraceIds(), shutdown_on_exit=False)
    tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces", timeout=timeout)))
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(f"{base}/v1/metrics", timeout=timeout), export_interval_millis=metrics_interval * 1000
    )
    meter_provider = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    return Telemetry(tracer_provider, meter_provider, max_spans_per_second=max_spans_per_second)
