"""Pieces: how LMDB keeps values of some thousand bytes without wasting half of their room.

A value that does not fit half a page gets pages of its own, whole ones: 2,100 bytes take 4,096. So such a value is cut into
pieces of which two fill a page, and a small head that stays under its key and holds the rest. The pieces get numbers that grow,
under keys that are the back end's own and above all others, so that they are appended and their pages are full: LMDB leaves
pages half empty where it inserts large entries in the middle. Longer values lose little and stay whole.

A head is the mark, how many pieces there are (1 byte), the number of the first one (8, big-endian), the CRC-32 over the key and
all that (4, little-endian), and the end of the value. So a damaged head leads to nobody else's pieces. A whole value that begins
with the mark is stored as a head without pieces.
"""

from zlib import crc32

from llmspell.errors import Corrupt
from llmspell.storage.store import BACK_ENDS_OWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Get = Callable[[bytes], bytes | None]

MARK = b"\xf7LP\x9c"
PIECE_BYTES = 2021
"""Two entries of that size, with their keys, fill a page of 4,096 bytes."""
FILLER, FILLER_GOES_AT = 0, 11
_PAGE_BYTES = 4096
_PAGE_HEADER_BYTES = 16
_LONGEST = 2 * _PAGE_BYTES - _PAGE_HEADER_BYTES
_LARGEST_REST = 1000
_CRC_AT = len(MARK) + 9
_START = _CRC_AT + 4


def is_cut(value: bytes) -> bool:
    """Whether a value longer than a piece is cut: when its own pages would be much emptier than those of its pieces."""
    size = len(value)
    if size > _LONGEST or size % PIECE_BYTES > _LARGEST_REST:
        return False
    pages = -(-(size + _PAGE_HEADER_BYTES) // _PAGE_BYTES)
    return pages * _PAGE_BYTES * 5 > size * 6


def head(key: bytes, value: bytes, count: int, first: int) -> bytes:
    """The head, under a key, of a value with so many pieces, of which `first` is the number of the first one."""
    start = MARK + bytes([count]) + first.to_bytes(8, "big")
    return b"".join((start, crc32(start, crc32(key)).to_bytes(4, "little"), value[count * PIECE_BYTES :]))


def key_of(number: int) -> bytes:
    """The key of a piece."""
    return BACK_ENDS_OWN + number.to_bytes(8, "big")


def keys_of(key: bytes, head: bytes) -> "list[bytes]":
    """The keys of the pieces that the head under a key speaks of; raises Corrupt when it is damaged."""
    told = int.from_bytes(head[_CRC_AT:_START], "little")
    if len(head) < _START or crc32(head[:_CRC_AT], crc32(key)) != told:
        raise Corrupt(f"what leads to the pieces of the value under {key!r} is damaged")
    first = int.from_bytes(head[len(MARK) + 1 : _CRC_AT], "big")
    return [key_of(number) for number in range(first, first + head[len(MARK)])]


def join(get: "Get", key: bytes, head: bytes) -> bytes:
    """The value that has this head; raises Corrupt when that is damaged, or a piece is missing."""
    parts = []
    for piece_key in keys_of(key, head):
        part = get(piece_key)
        if part is None:
            raise Corrupt(f"a piece of the value under {key!r} is missing")
        parts.append(part)
    parts.append(head[_START:])
    return b"".join(parts)
