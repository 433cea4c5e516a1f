"""The sessions of a runtime, as `[runtime.sessions]` says."""

import os

from llmspell.artifacts.artifacts import Artifacts
from llmspell.sessions.policies import Policies
from llmspell.sessions.recording import Recording
from llmspell.sessions.sessions import Sessions
from llmspell.state.journal import JournalPolicy
from llmspell.state.manager import StateManager

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.announce import Announce
    from llmspell.config import Config
    from llmspell.events.event import Event
    from llmspell.events.events import Events
    from llmspell.hooks.hooks import Hooks, Warn
    from llmspell.languages.language import Stop
    from llmspell.storage.store import Store

TOLD = ("session.", "checkpoint.", "artifact.", "state.", "system.")


def open_sessions(config: "Config", state: "StateManager | None", announce: "Announce") -> Sessions:
    """The sessions in the state's store, or in one of their own, which `Sessions.home` then closes."""
    settings = config.runtime.sessions
    home = state if state is not None and shares_store(config) else open_home(config)
    policies = Policies(
        max_sessions=settings.max_sessions,
        max_duration=settings.max_duration_seconds,
        max_idle_time=settings.session_timeout_seconds,
        max_artifacts=settings.max_artifacts_per_session,
        max_artifact_bytes=settings.max_artifact_bytes_per_session,
        max_operations=settings.max_operations_per_session,
        max_rate=settings.max_operations_per_second,
    )
    return Sessions(home, state, policies=policies, announce=announce)


def open_artifacts(config: "Config", sessions: Sessions) -> Artifacts:
    """The artifacts of the sessions, in their store."""
    threshold = config.runtime.sessions.artifact_compression_threshold
    return Artifacts(sessions, compression_threshold=threshold, announce=sessions.announce)


def connect(sessions: Sessions, hooks: "Hooks | None", events: "Events | None") -> None:
    """Let the current session's timeline tell of every hook that runs and of every event that is published."""
    if hooks is not None and sessions.record_execution not in hooks.recorders:
        hooks.recorders.append(sessions.record_execution)
    if events is not None and not any(isinstance(each, EventRecorder) for each in events.recorders):
        events.recorders.append(EventRecorder(sessions))


def record(hooks: "Hooks", sessions: Sessions, script: str, stop: "Stop", warn: "Warn") -> None:
    """Until the script ends, keep what hooks do without a current session in a session of its own."""
    recording = Recording(sessions, f"hooks of {script}"[:200], warn)

    def end() -> None:
        hooks.recorders.remove(recording)
        recording.close()

    hooks.recorders.append(recording)
    stop.afterwards.append(end)


class EventRecorder:
    """Notes events for the current session; not those that tell of what has entries of its own in the timeline."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def __call__(self, event: "Event") -> None:
        if not (event.language == "runtime" and event.event_type.startswith(TOLD)):
            data = {"event_id": event.id, "event_type": event.event_type}
            self._sessions.note("event.published", data, correlation_id=event.correlation_id)


def shares_store(config: "Config") -> bool:
    """Whether sessions and state are in one store."""
    state, settings = config.state, config.runtime.sessions
    if not state.enabled:
        return False
    if settings.storage_backend == "disk":
        return state.backend == "disk" and os.path.realpath(state.path) == os.path.realpath(settings.path)
    return settings.storage_backend == "state"


def has_store_on_disk(config: "Config") -> bool:
    """Whether the sessions are on, and in a store on disk that only they are in."""
    settings = config.runtime.sessions
    return settings.enabled and settings.storage_backend == "disk" and not shares_store(config)


def open_home(config: "Config") -> StateManager:
    """A manager over a store that only the sessions are in."""
    settings = config.runtime.sessions
    # With the state off, "state" means a store of the kind that the state would have, in a place of its own.
    kind = settings.storage_backend if settings.storage_backend != "state" else config.state.backend
    store: Store
    if kind == "memory":
        from llmspell.storage.memory import MemoryStore

        store = MemoryStore()
    else:
        from llmspell.storage.lmdb import LmdbStore

        store = LmdbStore(settings.path)
    return StateManager(
        store,
        max_value_bytes=config.state.max_value_bytes,
        journal=JournalPolicy(enabled=False),
        transaction_timeout_ms=config.state.transaction_timeout_ms,
    )
