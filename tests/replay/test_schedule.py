"""Schedules: when replays are due, by a clock of the test's own."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from llmspell.errors import BadArgument
from llmspell.replay.schedule import Cron, Interval, Once, Schedule, parse, runs_of
from llmspell.state import moment
from llmspell.state.moment import SECOND


class Clock:
    """Time that passes only while somebody waits, or works."""

    def __init__(self, start: str = "2026-11-24T09:00:00Z", stop_after: float = 1e9) -> None:
        self.now = self.start = moment.parse(start)
        self.left = stop_after

    def __call__(self) -> int:
        return self.now

    def wait(self, seconds: float) -> bool:
        assert 0 < seconds <= 60
        self.now += round(seconds * SECOND)
        self.left -= seconds
        return self.left < 0


def runs(schedule: Schedule, clock: Clock, limit: int = 100, takes: float = 0) -> list[float]:
    """The seconds after the start at which it runs."""
    found = []
    for _ in runs_of(schedule, clock, clock.wait, limit):
        found.append((clock.now - clock.start) / SECOND)
        clock.now += round(takes * SECOND)
    return found


def test_once_runs_once() -> None:
    assert runs(Once(5), Clock()) == [5]
    assert runs(Once(), Clock()) == [0]
    assert runs(Once(7200), Clock()) == [7200]


def test_interval_runs_again_and_again() -> None:
    assert runs(Interval(2, 10, 3), Clock()) == [2, 12, 22]
    assert runs(Interval(0, 1), Clock(), limit=4) == [0, 1, 2, 3]


def test_runs_that_take_long_do_not_pile_up() -> None:
    assert runs(Interval(0, 10, 4), Clock(), takes=25) == [0, 30, 60, 90]


def test_waiting_ends_when_it_is_told_to() -> None:
    assert runs(Interval(0, 10), Clock(stop_after=35)) == [0, 10, 20, 30]
    assert runs(Once(500), Clock(stop_after=100)) == []


@pytest.mark.parametrize(
    ("text", "after", "following"),
    [
        ("*/5 * * * *", "2026-11-24T09:00:00Z", "2026-11-24T09:05:00Z"),
        ("*/5 * * * *", "2026-11-24T09:04:59.999999Z", "2026-11-24T09:05:00Z"),
        ("0 0 * * *", "2026-12-31T12:00:00Z", "2027-01-01T00:00:00Z"),
        ("30 4 1,15 * *", "2026-11-02T00:00:00Z", "2026-11-15T04:30:00Z"),
        ("0 12 * * MON-FRI", "2026-11-27T12:00:00Z", "2026-11-30T12:00:00Z"),
        ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("0 0 13 * 5", "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"),
        ("15 10 * jan,jul 7", "2026-11-24T00:00:00Z", "2027-01-03T10:15:00Z"),
        ("0-10/5 3 * * *", "2026-11-24T03:05:00Z", "2026-11-24T03:10:00Z"),
    ],
)
def test_cron_knows_the_five_fields(text: str, after: str, following: str) -> None:
    assert Cron(text).due(0, 0, moment.parse(after)) == moment.parse(following)


def test_cron_agrees_with_a_look_at_every_minute() -> None:
    rng = random.Random(7)
    for _ in range(40):
        minute, hour = rng.choice(["*", "*/7", "3", "10-20", "0,30"]), rng.choice(["*", "*/5", "13", "8-10"])
        weekday = rng.choice(["*", "1-5", "0", "3,6"])
        start = datetime(
            2026, rng.randint(1, 12), rng.randint(1, 28), rng.randint(0, 23), rng.randint(0, 59), tzinfo=UTC
        )
        at = start + timedelta(minutes=1)
        while not (
            at.minute in _members(minute, 0, 59)
            and at.hour in _members(hour, 0, 23)
            and at.isoweekday() % 7 in _members(weekday, 0, 6)
        ):
            at += timedelta(minutes=1)
        found = Cron(f"{minute} {hour} * * {weekday}").due(0, 0, moment.parse(start.isoformat()))
        assert found == moment.parse(at.isoformat()), (minute, hour, weekday, start)


def _members(text: str, first: int, last: int) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-") if span != "*" else (str(first), "-", str(last))
        found.update(range(int(low), int(high or low) + 1, int(step or 1)))
    return found


def test_cron_in_a_time_zone_follows_its_clock() -> None:
    berlin = Cron("30 2 * * *", "Europe/Berlin")
    assert berlin.due(0, 0, moment.parse("2026-11-24T09:00:00Z")) == moment.parse("2026-11-25T01:30:00Z")
    assert berlin.due(0, 0, moment.parse("2026-07-01T09:00:00Z")) == moment.parse("2026-07-02T00:30:00Z")


def test_cron_runs_at_its_times() -> None:
    assert runs(Cron("*/5 * * * *"), Clock("2026-11-24T09:01:00Z"), limit=3) == [240, 540, 840]


@pytest.mark.parametrize("text", [
    "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8", "x * * * *", "5-1 * * * *",
    "*/0 * * * *", "0 0 31 2 *", "1,,2 * * * *", "* * * * 5L/2", "@daily", "-1 * * * *", "1/2/3 * * * *",
    "1," * 5000 + "1 * * * *",
])  # fmt: skip
def test_what_is_no_cron_expression_is_refused(text: str) -> None:
    with pytest.raises(BadArgument, match="cron expression"):
        Cron(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("once:10", "once:10"), ("once:0.5", "once:0.5"), ("interval:60", "interval:0,60"), ("interval:1,60", "interval:1,60"),
        ("interval:0,60,5", "interval:0,60,5"), ("cron:*/5 *  * * 1", "cron:*/5 * * * 1"),
    ],
)  # fmt: skip
def test_schedules_are_read_from_text_and_written_as_text(text: str, shown: str) -> None:
    assert str(parse(text)) == shown
    assert str(parse(str(parse(text)))) == shown
    assert parse(text).type_name == text.partition(":")[0]


@pytest.mark.parametrize("text", [
    "", "once", "once:", "once:x", "once:-1", "once:nan", "once:inf", "interval:0", "interval:1,0", "interval:1,2,0",
    "interval:1,2,1.5", "interval:1,2,3,4", "daily:5", "* * * * *", "cron:", "once:1e30",
])  # fmt: skip
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        parse(text)


def test_an_unknown_time_zone_is_refused() -> None:
    for zone in ("Mars/Base", "../etc/passwd", "", "x" * 300):
        with pytest.raises(BadArgument, match="time zone"):
            Cron("* * * * *", zone)
