"""The telemetry of a runtime, as `[runtime.otel]` says."""

from llmspell.errors import NotEnabled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmspell.config import Config
    from llmspell.state.manager import StateManager
    from llmspell.telemetry.telemetry import Telemetry


def open_telemetry(
    config: "Config", state: "StateManager | None", *, warn: "Callable[[str, dict[str, Any]], None]"
) -> "Telemetry":
    """Spans and metrics of a runtime and its state. Raises NotEnabled when what it needs is not installed."""
    try:
        from llmspell.telemetry.export import open_exporting
    except ImportError as error:
        raise NotEnabled(
            f"[runtime.otel] is enabled, but OpenTelemetry is not installed ({error})",
            hint="pip install 'llmspell[otel]'",
        ) from None
    settings = config.runtime.otel
    telemetry = open_exporting(
        settings.endpoint,
        service_name=settings.service_name,
        timeout=settings.timeout_seconds,
        metrics_interval=settings.metrics_interval_seconds,
        max_spans_per_second=settings.max_spans_per_second,
        warn=warn,
    )
    if state is not None:
        telemetry.observe_state(state.metrics)
        state.listeners = [*state.listeners, telemetry.record_commit]
    return telemetry
