"""Scans that go on after writes, and scans over two layers. What the back ends have in common."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol

    class Changing(Protocol):
        """A transaction that counts its changes."""

        changes: int

    Read = Callable[[bytes, bytes | None, bool], Iterator[Any]]


def resume(
    transaction: "Changing", read: "Read", start: bytes, end: bytes | None, reverse: bool, *, pairs: bool
) -> "Iterator[Any]":
    """What `read(start, end, reverse)` gives, begun anew behind the last key whenever the transaction has changed.

    `pairs` says whether `read` gives pairs or keys alone.
    """
    while True:
        changes = transaction.changes
        for item in read(start, end, reverse):
            yield item
            if transaction.changes != changes:
                key = item[0] if pairs else item
                if reverse:
                    end = key
                else:
                    start = key + b"\0"
                break
        else:
            return


def overlay(
    upper: "Iterator[tuple[bytes, bytes | None]]", lower: "Iterator[tuple[bytes, bytes]]", reverse: bool
) -> "Iterator[tuple[bytes, bytes]]":
    """Two sorted scans as one, where `upper` hides what `lower` has under the same key; its None is a deleted key."""
    over = next(upper, None)
    if over is None:
        yield from lower
        return
    for pair in lower:
        key = pair[0]
        while over is not None and over[0] != key and (over[0] < key) is not reverse:
            if over[1] is not None:
                yield over[0], over[1]
            over = next(upper, None)
        if over is not None and over[0] == key:
            if over[1] is not None:
                yield key, over[1]
            over = next(upper, None)
        else:
            yield pair
    while over is not None:
        if over[1] is not None:
            yield over[0], over[1]
        over = next(upper, None)


def overlay_keys(
    upper: "Iterator[tuple[bytes, bytes | None]]", lower: "Iterator[bytes]", reverse: bool
) -> "Iterator[bytes]":
    """As `overlay`, where `lower` gives keys alone, and so does the result."""
    for pair in overlay(upper, ((key, b"") for key in lower), reverse):
        yield pair[0]
