"""Moments: times as they come in and go out. Inside, a time is an integer of µs since 1970."""

from math import isfinite
from time import gmtime

from llmspell.errors import BadArgument

SECOND = 1_000_000
LATEST = 253_402_300_799 * SECOND
"""The end of the year 9999, the last one that RFC 3339 can write."""


def parse(moment: object) -> int:
    """The µs of RFC 3339 text (without an offset it is UTC) or of Unix seconds; raises BadArgument."""
    if isinstance(moment, str):
        micros = _parse_text(moment)
    elif isinstance(moment, bool) or not isinstance(moment, int | float) or not isfinite(moment):
        raise BadArgument(f"a time must be RFC 3339 text or Unix seconds, got {moment!r}")
    else:
        micros = moment * SECOND if isinstance(moment, int) else round(moment * SECOND)
    if not -LATEST <= micros <= LATEST:
        raise BadArgument(f"the time {moment!r} is out of range")
    return micros


def text(micros: int) -> str:
    """RFC 3339 text in UTC with microseconds: `2026-01-31T12:00:00.000000Z`."""
    seconds, rest = divmod(micros, SECOND)
    year, month, day, hour, minute, second = gmtime(seconds)[:6]
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:06}Z"


def _parse_text(moment: str) -> int:
    from datetime import UTC, datetime, timedelta

    try:
        parsed = datetime.fromisoformat(moment)
    except ValueError:
        raise BadArgument(
            f"{moment[:60]!r} is no RFC 3339 time", hint="write it as 2026-01-31T12:00:00Z, or give Unix seconds"
        ) from None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return (parsed - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
