"""The globals that scripts see, one short class each. The class is the declaration; `ALL` is every one there is.

Parts that a configuration switches on cost nothing until then, so `ALL` is made when it is asked for.
"""

from llmspell.surface.model import Global

TYPE_CHECKING = False
if TYPE_CHECKING:
    ALL: tuple[type[Global], ...]


def __getattr__(name: str) -> tuple[type[Global], ...]:
    if name != "ALL":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from llmspell.globals.artifact import Artifact
    from llmspell.globals.backup import Backup
    from llmspell.globals.event import Event
    from llmspell.globals.hook import Hook
    from llmspell.globals.json import JSON
    from llmspell.globals.log import Log
    from llmspell.globals.migration import Migration
    from llmspell.globals.process import Process
    from llmspell.globals.replay import Replay, ReplayModes, ReplaySchedules, SessionReplay
    from llmspell.globals.session import Session
    from llmspell.globals.state import State

    return (
        State,
        Migration,
        Backup,
        Session,
        SessionReplay,
        Artifact,
        Event,
        Hook,
        Replay,
        ReplayModes,
        ReplaySchedules,
        JSON,
        Log,
        Process,
    )
