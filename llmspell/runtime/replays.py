"""Replays of a runtime's sessions."""

from llmspell.globals.replay import Replay, ReplayModes, ReplaySchedules, SessionReplay
from llmspell.replay.replays import Replays

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.runtime import Runtime
    from llmspell.surface.model import Global


def open_replays(runtime: "Runtime", first_index: int = 0) -> Replays:
    """The replays of the runtime's sessions. Raises NotEnabled when it has none; without hooks, a replay does."""
    is_heard = runtime.config.runtime.events.enabled
    return Replays(
        runtime.sessions,
        lambda: runtime.hooks,
        events=lambda: runtime.events if is_heard else None,
        first_index=first_index,
    )


def replay_globals(runtime: "Runtime", wait: "Callable[[float], object]", language: str) -> "list[Global]":
    """What scripts of a language have for replays; `wait` sleeps, and gives something true when the script is to end."""
    replays = open_replays(runtime, first_index=int(language == "lua"))
    return [SessionReplay(replays), Replay(replays, wait), ReplayModes(), ReplaySchedules()]
