"""The event bus of a runtime, as `[runtime.events]` says, and what the state tells it."""

from llmspell import values
from llmspell.events.events import Events
from llmspell.events.timeline import Entry, RecentExecutions, change_entry
from llmspell.state.entry import OPERATIONS
from llmspell.state.past import caused
from llmspell.storage import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from llmspell.config import Config
    from llmspell.hooks.hooks import Hooks
    from llmspell.sessions.session import Entry as Noted
    from llmspell.sessions.sessions import Sessions
    from llmspell.state.entry import Commit
    from llmspell.state.manager import StateManager

KINDS = {"save": "state.saved", "delete": "state.deleted", "expire": "state.expired"}
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

        def tell(commit: "Commit") -> None:
            for key, operation in commit.operations.items():
                scope, name = keys.split(key)
                change = {"scope": scope, "key": name, "op": OPERATIONS[operation], "version": commit.version}
                data = values.encode(change)
                events.publish(STATE_CHANGED, data, correlation_id=commit.correlation_id or None, language="runtime")

        def watch() -> None:
            others = [listener for listener in state.listeners if listener is not tell]
            # A new list: a handler that is being told of a commit may have come here.
            state.listeners = [*others, tell] if events.wants(STATE_CHANGED) else others

        events.watchers.append(watch)
        events.timeline.sources.append(lambda correlation_id, since: changes(state, correlation_id, since))
    return events


def changes(state: "StateManager", correlation_id: str, since: int) -> "list[Entry]":
    """What the journal tells, for timelines."""
    found = []
    for change in caused(state, correlation_id, since):
        data = {"scope": change.scope, "key": change.key, "version": change.version}
        found.append(change_entry(change.at, KINDS[change.operation], change.correlation_id, data))
    return found


def remember_hooks(events: Events, hooks: "Hooks") -> None:
    """Let timelines tell of the hooks that run from now on."""
    executions = RecentExecutions(events.buffer_size)
    hooks.recorders.append(executions.record)
    events.timeline.sources.append(executions)


def ask_sessions(events: Events, sessions: "Sessions") -> None:
    """Let timelines tell what the sessions have stored: the ones with the correlation that is asked for, and the current one."""

    def stored(correlation_id: str, since: int) -> "Iterator[Entry]":
        for session in sessions.list(status="all"):
            if session.id == sessions.current_id or session.correlation_id == correlation_id:
                for noted in sessions.timeline(session.id):
                    if noted.correlation_id == correlation_id and noted.at > since:
                        yield session_entry(noted, session.id)

    events.timeline.sources.append(stored)


def session_entry(noted: "Noted", session_id: str) -> Entry:
    data = {**noted.data, "session_id": session_id}
    if noted.kind.startswith("state."):
        return change_entry(noted.at, noted.kind, noted.correlation_id, data)
    identity: tuple[Any, ...] = ("session", session_id, noted.seq)
    if noted.kind == "event.published":
        identity = ("event", data["event_id"])
    elif noted.kind == "hook.executed":
        identity = ("hook", noted.at, data["point"], data["hook"])
    return Entry(noted.at, noted.kind, noted.correlation_id, data, identity)
