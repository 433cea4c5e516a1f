"""Originals: the records that a migration replaced, byte for byte, a batch in one value."""

from struct import Struct

from llmspell.migration import layout
from llmspell.storage import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmspell.storage.store import ReadTransaction, WriteTransaction

_VERSION = Struct("<Q")
_ENTRY = Struct("<HI")
KEEP_DAYS = 30
"""How long a migration can be rolled back; the next migration after that drops its originals."""


def write(
    txn: "WriteTransaction", migration_id: str, number: int, version: int, replaced: "Iterable[tuple[bytes, bytes]]"
) -> None:
    """Keep the pairs of record key and record that the commit `version` replaces."""
    parts = [_VERSION.pack(version)]
    for key, stored in replaced:
        parts += (_ENTRY.pack(len(key), len(stored)), key, stored)
    key = layout.originals_key(migration_id, number)
    txn.put(key, record.seal(key, b"", b"".join(parts)))


def first(txn: "ReadTransaction", migration_id: str) -> "tuple[bytes, bytes] | None":
    """The first batch that is left of a migration, as it is stored; None when there is none."""
    return next(txn.scan(layout.originals_key(migration_id, 0), _end(migration_id)), None)


def read(key: bytes, stored: bytes) -> "tuple[int, Iterator[tuple[bytes, bytes]]]":
    """The version of the commit that replaced them, and the pairs. Raises Corrupt."""
    content = layout.content(key, stored)

    def pairs() -> "Iterator[tuple[bytes, bytes]]":
        place = _VERSION.size
        while place < len(content):
            key_bytes, record_bytes = _ENTRY.unpack_from(content, place)
            place += _ENTRY.size
            middle, end = place + key_bytes, place + key_bytes + record_bytes
            yield content[place:middle], content[middle:end]
            place = end

    return _VERSION.unpack_from(content)[0], pairs()


def drop_old(txn: "WriteTransaction", now: int, limit: int) -> bool:
    """Drop the batches of migrations that began more than KEEP_DAYS before `now` (µs); whether that was all.

    The time is in the ids: they are UUIDs of version 7.
    """
    horizon = f"{max(0, now // 1000 - KEEP_DAYS * 86_400_000):012x}"
    end = layout.ORIGINALS + f"{horizon[:8]}-{horizon[8:]}".encode()
    for count, key in enumerate(txn.scan_keys(layout.ORIGINALS, end)):
        if count == limit:
            return False
        txn.delete(key)
    return True


def _end(migration_id: str) -> bytes:
    return layout.ORIGINALS + migration_id.encode() + b"\xff\xff\xff\xff\xff"
