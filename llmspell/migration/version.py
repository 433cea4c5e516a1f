"""Versions of schemas: three numbers, `2.1.0`. Inside they are tuples, so that they compare and fit into a record."""

from llmspell.errors import BadArgument

Version = tuple[int, int, int]

_LIMIT = 65536


def parse(text: object) -> Version:
    """The version that `2.1.0`, or the bare integer 2 for `2.0.0`, names; raises BadArgument.

    Fewer parts are filled up with zeros. Each part is below 65536, because a record has 16 bits for it.
    """
    parts: list[str] = []
    if isinstance(text, str):
        parts = text.split(".")
    elif isinstance(text, int) and not isinstance(text, bool):
        parts = [str(text)]
    if not 0 < len(parts) <= 3 or not all(_is_number(part) for part in parts):
        raise BadArgument(f"{text!r} is no version", hint="write it as 2.1.0, each part below 65536")
    major, minor, patch = (*map(int, parts), 0, 0)[:3]
    return major, minor, patch


def text(version: Version) -> str:
    """The version as it is written: `2.1.0`."""
    return "{}.{}.{}".format(*version)


def to_bytes(version: Version) -> bytes:
    """Six bytes that sort as the versions do."""
    return b"".join(part.to_bytes(2, "big") for part in version)


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= 5 and int(part) < _LIMIT
