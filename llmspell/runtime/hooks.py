"""The hooks of a runtime, as `[state.hooks]` and `[runtime.hooks]` say."""

from time import monotonic

from llmspell.hooks.breaker import BreakerPolicy
from llmspell.hooks.hooks import Hooks
from llmspell.hooks.state_points import StatePoints

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmspell.config import Config
    from llmspell.migration.engine import Migrations
    from llmspell.state.manager import StateManager

LONGEST_PATIENCE = 60.0
"""Seconds that a saver, or the end, waits for hooks in the background when they may take as long as they like."""


def open_hooks(
    config: "Config",
    state: "StateManager | None",
    *,
    summon: "Callable[[], None]",
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
    hooks = Hooks(
        timeout=settings.timeout_ms / 1000,
        breaker=policy,
        correlation=state.current_correlation_id if state is not None else lambda: "",
        warn=warn,
        wait=wait,
        is_stopping=is_stopping,
    )
    if state is not None:
        if config.state.performance.async_hooks:
            from llmspell.hooks.background import Background

            hooks.background = Background(
                hooks, correlate=state.with_correlation, summon=summon, batch_size=settings.batch_size,
                interval=settings.flush_interval_ms / 1000, max_queue=settings.max_queue_size,
                max_concurrent=settings.max_concurrent, patience=settings.timeout_ms / 1000 or LONGEST_PATIENCE,
            )  # fmt: skip
        StatePoints(hooks, state, hooks.background)
    return hooks


def add_builtin_hooks(
    config: "Config",
    hooks: Hooks,
    state: "StateManager",
    *,
    log: "Callable[[str, dict[str, Any]], None]",
    migrations: "Callable[[], Migrations]",
    back_up: "Callable[[str], object]",
) -> None:
    """Register what `[state.hooks]` enables. Raises NotEnabled when validation has no schemas to go by."""
    from llmspell.hooks import builtin

    wanted = config.state.hooks
    if wanted.change_log:
        builtin.log_changes(hooks, log)
    if wanted.agent_state:
        builtin.keep_agents(hooks, state)
    if wanted.schema_validation:
        builtin.validate_by_schemas(hooks, state, migrations().catalogue)
    if wanted.critical_keys:
        builtin.CriticalBackup(hooks, wanted.critical_keys, wanted.critical_backup_seconds, back_up)
