"""The event bus of a runtime, as `[runtime.events]` says, and what the state tells it."""

from llmspell import values
from llmspell.events.events import Events
from llmspell.state.entry import OPERATIONS
from llmspell.storage import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmspell.config import Config
    from llmspell.state.entry import Commit
    from llmspell.state.manager import StateManager

STATE_CHANGED = "state.changed"


def open_events(
    config: "Config", state: "StateManager | None", *, warn: "Callable[[str, dict[str, Any]], None]"
) -> Events:
    """The bus of a runtime. The state is listened to only while a subscription wants its changes: else a save pays nothing."""
    settings = config.runtime.events
    events = Events(
        state,
        buffer_size=settings.buffer_size,
        max_per_second=settings.max_per_second,
        max_data_bytes=config.state.max_value_bytes,
        warn=warn,
    )
    if state is not None:
        listeners = state.listeners

        def tell(commit: "Commit") -> None:
            for key, operation in commit.operations.items():
                scope, name = keys.split(key)
                change = {"scope": scope, "key": name, "op": OPERATIONS[operation], "version": commit.version}
                data = values.encode(change)
                events.publish(STATE_CHANGED, data, correlation_id=commit.correlation_id or None, language="runtime")

        def watch() -> None:
            is_wanted, is_listening = events.wants(STATE_CHANGED), tell in listeners
            if is_wanted and not is_listening:
                listeners.append(tell)
            elif is_listening and not is_wanted:
                listeners.remove(tell)

        events.watchers.append(watch)
    return events
