"""Where sessions keep what they know. Every value ends in a checksum over its key and content (`storage.record.seal`).

| key | value |
|---|---|
| `S` session (16) | what a session is (`Details`), with the version that wrote it |
| `S` session (16) version (8) | what it was from that version on, when a checkpoint still needs it |
| `U` session (16) | what changes with every operation: counters and times (`Usage`) |
| `C` session (16) version (8) | a checkpoint: what was there at that version |
| `T` session (16) number (8) | an entry of the timeline |
| `E` session (16) number (8) | the hook execution that the timeline's entry of that number tells of |
| `V` session (16) key NUL version (8) | a value, or that there is none, copied by the checkpoint of that version: see `copies` |
| `Io` | how many sessions are open (active or suspended) |
| `Is` status (1) created (8) session (16) | empty; the sessions of a status, oldest first |
| `In` name NUL created (8) session (16) | empty; the sessions of a name |
| `Ip` parent (16) created (8) session (16) | empty; the sessions of a parent |

A session's 16 bytes are its UUID; numbers are big-endian. `K` keeps records for checkpoints: see `state.kept`.
"""

from functools import lru_cache
from struct import Struct
from zlib import crc32

from llmspell import values
from llmspell.errors import Corrupt, NotFound
from llmspell.state.moment import SECOND
from llmspell.storage import keys, record
from llmspell.storage.record import INTACT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


SESSION, USAGE, TIMELINE, EXECUTION, COPY, INDEX = b"S", b"U", b"T", b"E", b"V", b"I"
CHECKPOINT = keys.CHECKPOINT
OPEN = b"Io"
BY_STATUS, BY_NAME, BY_PARENT = b"Is", b"In", b"Ip"
SPACES = (CHECKPOINT, EXECUTION, INDEX, SESSION, TIMELINE, USAGE, COPY)

STATUSES = ("active", "suspended", "completed", "failed", "archived")
WHICH = "Session.list with status 'all', or `llmspell session list --status all`, tells which there are"
"""The hint of every unknown id, in no language's own spelling."""
FORMAT = 1
_DETAILS = Struct("<BQ")
_USAGE = Struct("<BQQQQIqqqqI")
_ID_BYTES = 16


def id_bytes(session_id: object) -> bytes:
    """The bytes of an id's text; NotFound when no session can have it."""
    raw = _parse(session_id) if type(session_id) is str else b""
    if not raw:
        shown = session_id[:60] if isinstance(session_id, str) else session_id
        raise NotFound(f"there is no session {shown!r}", hint=WHICH)
    return raw


@lru_cache(256)
def _parse(text: str) -> bytes:
    """The bytes of an id's text, none when it is no such text."""
    try:
        raw = bytes.fromhex(text.replace("-", "")) if len(text) == 36 else b""
    except ValueError:
        return b""
    return raw if len(raw) == _ID_BYTES and id_text(raw) == text else b""


def id_text(raw: bytes) -> str:
    """The text of an id's 16 bytes."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def number_key(space: bytes, session: bytes, number: int) -> bytes:
    """The key of an entry with a number or version, of a space that has them."""
    return space + session + number.to_bytes(8, "big")


def after(key: bytes) -> bytes:
    """The end of the range of the keys that begin with `key`, which does not end in 0xff bytes alone."""
    trimmed = key.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1])


def unseal(key: bytes, value: bytes, what: str) -> bytes:
    """A sealed value without its checksum; raises Corrupt, naming `what` it is."""
    if crc32(value, crc32(key)) != INTACT or value[:1] != bytes([FORMAT]):
        raise Corrupt(f"{what} is damaged")
    return value[:-4]


class Details:
    """What a session is: everything that does not change with each operation. `version` is that of the commit."""

    __slots__ = ("fields", "version")

    def __init__(self, fields: "dict[str, Any]", version: int = 0) -> None:
        self.fields = fields
        self.version = version

    @classmethod
    def unpack(cls, key: bytes, value: bytes) -> "Details":
        """The stored form; raises Corrupt."""
        what = f"the session {id_text(key[1:17])}"
        body = unseal(key, value, what)
        _, version = _DETAILS.unpack_from(body)
        fields = values.decode(body[_DETAILS.size :])
        if not isinstance(fields, dict) or fields.get("status") not in STATUSES:
            raise Corrupt(f"{what} is damaged")
        return cls(fields, version)

    def pack(self, key: bytes) -> bytes:
        """Only what differs from nothing is stored: most sessions use few of the fields."""
        present = {name: value for name, value in self.fields.items() if value or (value == 0 and name in KEPT_ZEROS)}
        return record.seal(key, _DETAILS.pack(FORMAT, self.version), values.encode_known(present))


KEPT_ZEROS = frozenset(
    ("max_duration", "max_idle_time", "max_artifacts", "max_artifact_bytes", "max_operations", "max_rate")
)
"""Limits of a session, where 0 says something else than nothing does."""


class Usage:
    """What changes with every operation of a session. Times are µs since 1970.

    `sequence` is the number of the timeline's last entry, `active_at` the last operation, and `window_count` operations
    were done in the second that began at `window_at`.
    """

    __slots__ = (
        "active_at", "artifact_bytes", "artifact_count", "checkpoint_count", "operation_count", "sequence", "started_at",
        "updated_at", "window_at", "window_count",
    )  # fmt: skip

    def __init__(self, now: int) -> None:
        self.sequence = self.operation_count = self.artifact_count = self.artifact_bytes = self.checkpoint_count = 0
        self.updated_at = self.active_at = self.started_at = now
        self.window_at = self.window_count = 0

    def add(self, now: int, operations: int, artifacts: int = 0, size: int = 0) -> None:
        """Count operations done now, and artifacts and their bytes that came (or went)."""
        self.window_count = self.recent(now) + operations
        if self.window_count == operations:
            self.window_at = now
        self.operation_count += operations
        self.artifact_count = max(0, self.artifact_count + artifacts)
        self.artifact_bytes = max(0, self.artifact_bytes + size)
        self.active_at = self.updated_at = max(now, self.active_at)

    def recent(self, now: int) -> int:
        """How many operations were done in the second that is running."""
        return self.window_count if 0 <= now - self.window_at < SECOND else 0

    @classmethod
    def unpack(cls, key: bytes, value: bytes) -> "Usage":
        """The stored form; raises Corrupt."""
        if len(value) != _USAGE.size + 4 or crc32(value, crc32(key)) != INTACT or value[0] != FORMAT:
            raise Corrupt(f"what is counted of the session {id_text(key[1:17])} is damaged")
        usage = cls.__new__(cls)
        (
            _, usage.sequence, usage.operation_count, usage.artifact_count, usage.artifact_bytes, usage.checkpoint_count,
            usage.updated_at, usage.active_at, usage.started_at, usage.window_at, usage.window_count,
        ) = _USAGE.unpack_from(value)  # fmt: skip
        return usage

    def pack(self, key: bytes) -> bytes:
        header = _USAGE.pack(
            FORMAT, self.sequence, self.operation_count, self.artifact_count, self.artifact_bytes, self.checkpoint_count,
            self.updated_at, self.active_at, self.started_at, self.window_at, self.window_count,
        )  # fmt: skip
        return record.seal(key, header, b"")
