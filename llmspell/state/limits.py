"""Limits: what a value and an option may be."""

from llmspell import values
from llmspell.errors import BadArgument, BadValue, Corrupt, NotEnabled, ValueTooLarge
from llmspell.storage.record import EXTERNAL, SENSITIVE

NULLS = (values.MSGPACK + b"\xc0", values.JSON + b"null", values.TAGGED + b"null")
LONGEST_NULL = 5
_LONGEST_TTL = 200_000_000_000
"""Seconds: what expires later than that has no RFC 3339 time."""


def is_null(payload: bytes) -> bool:
    """Whether a payload is null, which is never stored."""
    return len(payload) <= LONGEST_NULL and payload in NULLS


def admit(payload: bytes, class_code: int, max_value_bytes: int) -> None:
    """Raise unless a value of this class may be stored.

    ValueTooLarge above the limit; NotEnabled for a sensitive value, which needs encryption; BadValue for an external
    one that is not, down to its last byte, a value.
    """
    if len(payload) > max_value_bytes:
        size, limit = size_text(len(payload)), size_text(max_value_bytes)
        if size == limit:
            size, limit = f"{len(payload)} bytes", f"{max_value_bytes} bytes"
        raise ValueTooLarge(f"the value is {size}, the limit is {limit}", hint="raise max_value_bytes in [state]")
    if class_code == SENSITIVE:
        raise NotEnabled(
            "a sensitive value cannot be stored without encryption",
            hint="set encryption_enabled = true in [state.security]",
        )
    if class_code == EXTERNAL:
        try:
            values.check(values.decode(payload))
        except Corrupt as error:
            raise BadValue(f"the external value is no valid value: {error.message}") from None


def ttl_micros(ttl: object) -> int:
    """A time to live in µs; raises BadArgument unless it is a number of seconds above 0."""
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not 0 < ttl <= _LONGEST_TTL:
        raise BadArgument(
            f"ttl must be a number of seconds above 0, got {ttl!r}", hint="leave it out for a value that stays"
        )
    return max(1, round(ttl * 1_000_000))


def check_version(if_version: object) -> None:
    """Raise BadArgument unless `if_version` is None or a whole number from 0."""
    if if_version is not None and (type(if_version) is not int or if_version < 0):
        raise BadArgument(f"if_version must be a whole number from 0, got {if_version!r}")


def check_limit(limit: object) -> None:
    """Raise BadArgument unless `limit` is None or a whole number from 0."""
    if limit is not None and (type(limit) is not int or limit < 0):
        raise BadArgument(f"limit must be a whole number from 0, got {limit!r}")


def timeout_seconds(timeout: object) -> float:
    """A timeout in seconds, 0 for None; raises BadArgument unless it is a number from 0."""
    if timeout is None:
        return 0.0
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout >= 0:
        raise BadArgument(f"timeout must be a number of seconds from 0, got {timeout!r}")
    return float(timeout)


def encode_text(text: object, name: str) -> bytes:
    """The bytes of an option's text; raises BadArgument when it has none."""
    if not isinstance(text, str):
        raise BadArgument(f"{name} must be text, got {type(text).__name__}")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise BadArgument(f"{name} is not valid Unicode text (it holds a lone surrogate)") from None


def size_text(size: int) -> str:
    """A size as people say it: 12.1 MB, 10 MB, 900 bytes."""
    for unit, name in ((1_000_000, "MB"), (1000, "kB")):
        if size >= unit:
            return f"{f'{size / unit:.1f}'.removesuffix('.0')} {name}"
    return f"{size} bytes"
