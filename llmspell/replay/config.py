"""`ReplayConfig`: how a session is replayed; `Modification`: what is changed in the inputs of a replay."""

from llmspell import values
from llmspell.errors import BadArgument
from llmspell.replay import path as paths
from llmspell.state import moment
from llmspell.state.classes import matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from llmspell.hooks.hook import Execution

EXACT, MODIFIED, SIMULATE, DEBUG = MODES = ("exact", "modified", "simulate", "debug")
COMPARED = (EXACT, MODIFIED, DEBUG)
CHANGING = (MODIFIED, SIMULATE)
"""The modes in which modifications have an effect; the others replay what was recorded."""
CHANGEABLE = ("component_id", "correlation_id", "data", "metadata")
DEFAULT_TIMEOUT = 30.0
_FIRST_TIME = 10**9
"""A number below this is a sequence number, else a time in Unix seconds: as in State.load."""


class Modification:
    """A value that is put where `path` leads in the context of each hook, while it `is_enabled`.

    The path begins with `data` (`data.new_value`, `data.items[1].name`), `metadata`, `component_id` or `correlation_id`; a
    leading `context.` is allowed. A context where all but the last step of it leads nowhere stays as it is. Raises BadArgument.
    """

    __slots__ = ("_payload", "is_enabled", "path", "steps")

    def __init__(self, path: str, value: "Any", is_enabled: bool = True) -> None:
        self.path = path
        self._payload = values.encode(value)
        self.is_enabled = is_enabled
        self.steps = paths.parse(path)
        if self.steps[0] == "context" and len(self.steps) > 1:
            del self.steps[0]
        if self.steps[0] not in CHANGEABLE:
            raise BadArgument(
                f"'{path[:80]}' leads to nothing that can be modified",
                hint=f"a path begins with {', '.join(CHANGEABLE)}, such as data.new_value",
            )

    @property
    def value(self) -> "Any":
        """A copy of its own for whoever asks."""
        return values.decode(self._payload)


class ReplayConfig:
    """Mode, bounds and filter of a replay. Raises BadArgument for what makes no sense.

    `first` and `last` are sequence numbers of the timeline or times (RFC 3339 text or Unix seconds), both inclusive;
    `hook_filter` is a pattern (`*` for any characters) on the name of the recorded hook or its point. `compare` is by default
    what the mode says: all but simulate. `timeout` is in seconds, for the replay as a whole.
    """

    def __init__(
        self,
        mode: str = EXACT,
        *,
        first: "int | float | str | None" = None,
        last: "int | float | str | None" = None,
        hook_filter: str | None = None,
        modifications: "list[Modification] | None" = None,
        compare: bool | None = None,
        stop_on_error: bool = False,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        if mode not in MODES:
            raise BadArgument(f"there is no replay mode '{mode}'; the modes are {', '.join(MODES)}")
        if not 0 < timeout <= 86_400:
            raise BadArgument(f"timeout must be above 0 and at most a day of seconds, got {timeout:g}")
        self.mode = str(mode)
        self.modifications = list(modifications or ())
        self.compare = mode in COMPARED if compare is None else compare
        self.stop_on_error = stop_on_error
        self.timeout = timeout
        self._first = _bound(first)
        self._last = _bound(last)
        self._filter = tuple(hook_filter.split("*")) if hook_filter else None

    def enabled_modifications(self) -> list[Modification]:
        """Those that have an effect. Raises BadArgument in a mode that replays what was recorded."""
        found = [each for each in self.modifications if each.is_enabled]
        if found and self.mode not in CHANGING:
            raise BadArgument(
                f"the mode {self.mode} replays what was recorded, without modifications",
                hint=f"use the mode {' or '.join(CHANGING)}, or disable them",
            )
        return found

    def fits(self, seq: int, execution: "Execution") -> bool:
        """Whether a recorded execution is within the bounds and passes the filter."""
        for bound, sign in ((self._first, 1), (self._last, -1)):
            if bound is not None:
                is_time, limit = bound
                if sign * ((execution.at if is_time else seq) - limit) < 0:
                    return False
        parts = self._filter
        return parts is None or matches(parts, execution.hook) or matches(parts, execution.point)


def read_modifications(given: "Any") -> list[Modification]:
    """Modifications from a list of them and of `{path, value, enabled}`, or from a map of paths to values. Raises BadArgument."""
    if not given:
        return []
    if isinstance(given, dict) and all(isinstance(name, str) for name in given):
        return [Modification(path, value) for path, value in given.items()]
    if not isinstance(given, list) or not all(isinstance(each, dict | Modification) for each in given):
        raise BadArgument("modifications must be a list of {path, value, enabled}, or a map of paths to values")
    found = []
    for each in given:
        if isinstance(each, Modification):
            found.append(each)
            continue
        unknown = each.keys() - {"path", "value", "enabled"}
        enabled = each.get("enabled", True)
        if unknown or "path" not in each or not isinstance(enabled, bool):
            raise BadArgument("a modification has a path, a value, and may say whether it is enabled")
        found.append(Modification(each["path"], each.get("value"), enabled))
    return found


def _bound(given: "int | float | str | None") -> "tuple[bool, int] | None":
    """Whether it is a time, and the µs or the sequence number."""
    if given is None:
        return None
    if isinstance(given, str) or given >= _FIRST_TIME:
        return True, moment.parse(given)
    if given != int(given) or given < 0:
        raise BadArgument(f"from and to are sequence numbers or times, got {given!r}")
    return False, int(given)
