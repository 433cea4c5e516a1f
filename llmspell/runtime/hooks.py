"""The hooks of a runtime, as `[state.hooks]` and `[runtime.hooks]` say."""

from time import monotonic

from llmspell.hooks.breaker import BreakerPolicy
from llmspell.hooks.hooks import Hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmspell.config import Config
    from llmspell.state.manager import StateManager


def open_hooks(
    config: "Config",
    state: "StateManager | None",
    *,
    warn: "Callable[[str, dict[str, Any]], None]",
    wait: "Callable[[float], object]",
    is_stopping: "Callable[[], bool]",
) -> Hooks:
    """Registry and executor for a runtime; `state` is what says which correlation is going on."""
    settings = config.state.hooks
    policy = BreakerPolicy(
        failure_threshold=settings.failure_threshold, open_seconds=settings.open_seconds,
        half_open_seconds=settings.half_open_seconds, clock=monotonic,
    )  # fmt: skip
    return Hooks(
        timeout=settings.timeout_ms / 1000,
        breaker=policy,
        correlation=state.current_correlation_id if state is not None else lambda: "",
        warn=warn,
        wait=wait,
        is_stopping=is_stopping,
    )
