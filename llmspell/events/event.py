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

    __slots__ = (
        "_origin", "at", "chain", "correlation_id", "data", "event_type", "expires", "language", "metadata", "sequence",
        "size",
    )  # fmt: skip

    def __init__(
        self, origin: "Origin", sequence: int, at: int, event_type: str, data: bytes, correlation_id: str, language: str,
        metadata: "dict[str, Any]", expires: float | None, chain: int,
    ) -> None:  # fmt: skip
        self._origin = origin
        self.sequence = sequence
        self.at = at
        self.event_type = event_type
        self.data = data
        self.correlation_id = correlation_id
        self.language = language
        self.metadata = metadata
        self.expires = expires
        """When, by the monotonic clock, it is not worth delivering any more; None for never."""
        self.size = len(data) + OVERHEAD
        self.chain = chain
        """How many handlers of events, each published by the one before, have led to it."""

    @property
    def id(self) -> str:
        """UUID v7 text, the same whenever it is asked for: made of the time, the bus and the sequence."""
        return self._origin.id_of(self.at, self.sequence)

    @property
    def timestamp(self) -> str:
        """`at` as RFC 3339 text."""
        return self._origin.time_text(self.at)

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
        self._millisecond = (-1, "")
        self._second = (-1, "")

    def id_of(self, at: int, sequence: int) -> str:
        now = at // 1000
        known, text = self._millisecond
        if now != known:
            text = f"{now >> 16:08x}-{now & 0xFFFF:04x}{self._middle}"
            self._millisecond = (now, text)
        return f"{text}{sequence:010x}"

    def time_text(self, at: int) -> str:
        now, rest = divmod(at, moment.SECOND)
        known, text = self._second
        if now != known:
            text = moment.text(at)[:-7]
            self._second = (now, text)
        return f"{text}{rest:06}Z"
