"""Schedules: when a replay runs. Times are µs since 1970, spans are seconds."""

from abc import ABC, abstractmethod
from math import ceil, isfinite

from llmspell.errors import BadArgument
from llmspell.state.moment import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

LONGEST_SPAN = 10 * 366 * 86_400.0
LONGEST_TEXT = 200
_LONGEST_SLEEP = 60.0
"""The clock is looked at again at least this often, since it may be set meanwhile."""


class Schedule(ABC):
    """When something runs, and how often."""

    type_name: str

    @abstractmethod
    def due(self, started: int, runs: int, now: int) -> int | None:
        """When the next run is due, after `runs` of them, of a schedule that was `started` then; None when there is none."""


class Once(Schedule):
    """One run, after `delay` seconds."""

    type_name = "once"

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = _span("delay", delay, 0)

    def due(self, started: int, runs: int, now: int) -> int | None:  # noqa: ARG002 - the others need it
        return started + round(self.delay * SECOND) if runs == 0 else None

    def __str__(self) -> str:
        return f"once:{self.delay:g}"


class Interval(Schedule):
    """A run after `initial` seconds and then every `every` seconds, at most `max_runs` times.

    A run that takes longer than `every` misses those that were due meanwhile: runs do not pile up.
    """

    type_name = "interval"

    def __init__(self, initial: float, every: float, max_runs: int | None = None) -> None:
        self.initial = _span("initial", initial, 0)
        self.every = _span("every", every, 0.001)
        if max_runs is not None and max_runs < 1:
            raise BadArgument(f"max must be at least 1, got {max_runs}")
        self.max_runs = max_runs

    def due(self, started: int, runs: int, now: int) -> int | None:
        if self.max_runs is not None and runs >= self.max_runs:
            return None
        first = started + round(self.initial * SECOND)
        every = round(self.every * SECOND)
        return first + max(runs, ceil((now - first) / every) if runs else 0) * every

    def __str__(self) -> str:
        end = "" if self.max_runs is None else f",{self.max_runs}"
        return f"interval:{self.initial:g},{self.every:g}{end}"


class Cron(Schedule):
    """The times that a cron expression with the five usual fields names, as Debian's cron understands it.

    In UTC, or in another time zone by its name (`Europe/Berlin`). What is due while a run goes on is missed.
    """

    type_name = "cron"

    def __init__(self, text: str, zone: str = "UTC") -> None:
        self.text = " ".join(text.split())
        if len(text) > LONGEST_TEXT or len(self.text.split(" ")) != 5:
            raise BadArgument(
                f"'{text[:60]}' is no cron expression",
                hint="write minute, hour, day of month, month and day of week: '*/5 * * * *' is every 5 minutes",
            )
        self.zone = zone
        self._zone = _zone(zone)
        if self.due(0, 0, 0) is None:
            raise BadArgument(f"the cron expression '{self.text}' names no time that ever comes")

    def due(self, started: int, runs: int, now: int) -> int | None:  # noqa: ARG002 - the others need them
        from datetime import UTC, datetime, timedelta

        from cronsim import CronSim, CronSimError

        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        try:
            following = next(CronSim(self.text, (epoch + timedelta(microseconds=now)).astimezone(self._zone)))
        except (CronSimError, AssertionError, TypeError, ValueError) as problem:
            detail = f": {problem}" if isinstance(problem, CronSimError) else ""
            raise BadArgument(f"'{self.text}' is no cron expression{detail}") from None
        except (StopIteration, OverflowError):
            return None
        return (following - epoch) // timedelta(microseconds=1)

    def __str__(self) -> str:
        return f"cron:{self.text}"


def parse(text: str, zone: str = "UTC") -> Schedule:
    """A schedule as text: `once:DELAY`, `interval:EVERY`, `interval:INITIAL,EVERY[,MAX]` or `cron:EXPRESSION`.

    Raises BadArgument.
    """
    kind, colon, rest = text.partition(":")
    if colon and kind == "cron":
        return Cron(rest, zone)
    try:
        numbers = [float(part) for part in rest.split(",")]
        if kind == "once" and len(numbers) == 1:
            return Once(numbers[0])
        if kind == "interval" and len(numbers) == 1:
            return Interval(0.0, numbers[0])
        if kind == "interval" and len(numbers) in (2, 3) and (len(numbers) == 2 or numbers[2].is_integer()):
            return Interval(numbers[0], numbers[1], int(numbers[2]) if len(numbers) == 3 else None)
    except ValueError:
        pass
    raise BadArgument(
        f"'{text[:60]}' is no schedule",
        hint="write once:10, interval:60, interval:0,60,5 or 'cron:*/5 * * * *' (seconds)",
    )


def runs_of(
    schedule: Schedule, clock: "Callable[[], int]", wait: "Callable[[float], object]", max_runs: int | None = None
) -> "Iterator[int]":
    """Waits for each run, and gives its number, from 1 on. Ends early when `wait` gives something true."""
    started, runs = clock(), 0
    while max_runs is None or runs < max_runs:
        at = schedule.due(started, runs, clock())
        if at is None:
            return
        while (left := at - clock()) > 0:
            if wait(min(left / SECOND, _LONGEST_SLEEP)):
                return
        runs += 1
        yield runs


def _span(name: str, seconds: float, least: float) -> float:
    if not isfinite(seconds) or not least <= seconds <= LONGEST_SPAN:
        raise BadArgument(f"{name} must be a number of seconds from {least:g} to ten years, got {seconds:g}")
    return float(seconds)


def _zone(name: str) -> "tzinfo":
    from datetime import UTC

    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # ZoneInfoNotFoundError is a KeyError
        raise BadArgument(
            f"there is no time zone '{name[:60]}'", hint="write UTC, or a name such as Europe/Berlin"
        ) from None
