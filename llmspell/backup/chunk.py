"""Chunks: runs of entries in key order, and how they are written as bytes.

A chunk is, little-endian: the number n of entries (4 bytes), n lengths of keys (2 each), n lengths of values (4 each,
`ABSENT` for a key that is gone), the keys, the values.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from operator import lt
from struct import Struct
from zlib import crc32

from llmspell.errors import Corrupt
from llmspell.storage.store import MAX_KEY_BYTES

Entry = tuple[bytes, bytes | None]
"""A key with its value; None is a key that the backup says is gone."""

ABSENT = 0xFFFFFFFF
MIN_BYTES = 512 << 10
SPREAD_BYTES = 512 << 10
MAX_BYTES = 4 << 20
_MIXER = 0x9E3779B1
"""Spreads what CRCs of keys that count up have in common."""
_COUNT_BYTES = 4
_ENTRY_BYTES = 6
_SWAPS = sys.byteorder == "big"


class Chunk:
    """Entries on their way into a backup. `size` is that of its bytes."""

    __slots__ = ("entries", "size")

    def __init__(self, entries: list[Entry], size: int) -> None:
        self.entries = entries
        self.size = size + _COUNT_BYTES

    @property
    def first(self) -> bytes:
        return self.entries[0][0]

    @property
    def last(self) -> bytes:
        return self.entries[-1][0]


def cut(entries: Iterable[Entry], scale: int = 1) -> Iterator[Chunk]:
    """The entries in chunks of 0.5 to 4 MiB, 1 MiB in the middle, divided by `scale`; a larger entry is a chunk of its own.

    Where a chunk ends depends on the keys near by: a change moves the borders of its own chunk and leaves the others, so
    that what did not change is found again in an older backup. The chance to end after an entry grows with its size.
    """
    least, spread, most = MIN_BYTES // scale, SPREAD_BYTES // scale, MAX_BYTES // scale
    run: list[Entry] = []
    append = run.append
    size = 0
    for entry in entries:
        key, value = entry
        bytes_ = len(key) + _ENTRY_BYTES if value is None else len(key) + len(value) + _ENTRY_BYTES
        if size + bytes_ > most and run:
            yield Chunk(run, size)
            run, size = [], 0
            append = run.append
        append(entry)
        size += bytes_
        if size >= least and (crc32(key) * _MIXER >> 13) % spread < bytes_:
            yield Chunk(run, size)
            run, size = [], 0
            append = run.append
    if run:
        yield Chunk(run, size)


def encode(entries: list[Entry]) -> bytes:
    """The bytes of a chunk."""
    keys, values = zip(*entries, strict=True)
    key_lengths = array("H", map(len, keys))
    if None in values:
        value_lengths = array("I", [ABSENT if value is None else len(value) for value in values])
        values = tuple(value for value in values if value is not None)
    else:
        value_lengths = array("I", map(len, values))
    if _SWAPS:
        key_lengths.byteswap()
        value_lengths.byteswap()
    count = len(entries).to_bytes(_COUNT_BYTES, "little")
    return b"".join((count, key_lengths.tobytes(), value_lengths.tobytes(), *keys, *values))


def decode(data: bytes) -> list[Entry]:
    """The entries of a chunk; raises Corrupt unless every byte of it has its place and the keys ascend."""
    count = int.from_bytes(data[:_COUNT_BYTES], "little")
    lengths_end = _COUNT_BYTES + 2 * count
    keys_start = lengths_end + 4 * count
    if count == 0 or keys_start > len(data):
        raise Corrupt("a chunk of the backup names more entries than it has")
    key_lengths, value_lengths = array("H"), array("I")
    key_lengths.frombytes(data[_COUNT_BYTES:lengths_end])
    value_lengths.frombytes(data[lengths_end:keys_start])
    if _SWAPS:
        key_lengths.byteswap()
        value_lengths.byteswap()
    middle = keys_start + sum(key_lengths)
    is_gone = ABSENT in value_lengths
    sizes = [0 if size == ABSENT else size for size in value_lengths] if is_gone else value_lengths
    if middle + sum(sizes) != len(data):
        raise Corrupt("a chunk of the backup has another size than its entries")
    keys = _split(data, keys_start, key_lengths)
    values: Sequence[bytes | None] = _split(data, middle, sizes)
    if is_gone:
        values = [None if size == ABSENT else value for size, value in zip(value_lengths, values, strict=True)]
    if min(key_lengths) == 0 or max(key_lengths) > MAX_KEY_BYTES or not all(map(lt, keys, keys[1:])):
        raise Corrupt("the keys of a chunk of the backup are not in order")
    return list(zip(keys, values, strict=True))


def _split(data: bytes, start: int, sizes: Sequence[int]) -> tuple[bytes, ...]:
    """The pieces of these sizes, one behind the other. Twice as fast as slices."""
    return Struct("%ds" * len(sizes) % tuple(sizes)).unpack_from(data, start)
