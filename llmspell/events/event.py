"""`Event`: something that has happened, as whoever listens gets it."""

from llmspell import values
from llmspell.state import moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OVERHEAD = 512
"""Bytes that an event takes in memory besides its data, roughly."""


class Event:
    """What has happened: `event_type`, `data` (a payload), when (`at`, µs since 1970), what caused it, and who published it.

    `sequence` counts the events of one bus. `language` is that of the publishing script, `python` or `runtime`. `metadata` is
    what the publisher added: tags, source, priority, ttl.
    """

    expires: float | None = None
    """When, by the monotonic clock, it is not worth delivering any more; None for never."""
    chain = 0
    """How many handlers of events, each published by the one before, have led to it."""

    def __init__(
        self, origin: "Origin", sequence: int, at: int, event_type: str, data: bytes, correlation_id: str, language: str,
        metadata: "dict[str, Any]",
    ) -> None:  # fmt: skip
        self._origin = origin
        self.sequence = sequence
        self.at = at
        self.event_type = event_type
        self.data = data
        self.correlation_id = correlation_id
        self.language = language
        self.metadata = metadata

    @property
    def id(self) -> str:
        """UUID v7 text, the same whenever it is asked for: made of the time, the bus and the sequence."""
        now, origin = self.at // 1000, self._origin
        known, text = origin.millisecond
        if now != known:
            text = origin.begin(now)
        return f"{text}{self.sequence:010x}"

    @property
    def timestamp(self) -> str:
        """`at` as RFC 3339 text."""
        now, rest = divmod(self.at, moment.SECOND)
        known, text = self._origin.second
        if now != known:
            text = moment.text(self.at)[:-7]
            self._origin.second = (now, text)
        return f"{text}{rest:06}Z"

    @property
    def value(self) -> "Any":
        """The data, decoded."""
        return values.decode(self.data)


class Origin:
    """What the events of one bus have in common: the random part of their ids, and the times that were last written out."""

    def __init__(self, randomness: bytes) -> None:
        digits = randomness[:5].hex()
        variant = f"{8 | randomness[5] & 3:x}"
        self._middle = f"-7{digits[:3]}-{variant}{digits[3:6]}-{digits[6:8]}"
        self.millisecond = (-1, "")
        """The last one for which an id was made, and what the ids of its events begin with."""
        self.second = (-1, "")
        """The last one that was written out, and its text."""

    def begin(self, millisecond: int) -> str:
        """What the ids of the events of a millisecond begin with."""
        text = f"{millisecond >> 16:08x}-{millisecond & 0xFFFF:04x}{self._middle}"
        self.millisecond = (millisecond, text)
        return text
