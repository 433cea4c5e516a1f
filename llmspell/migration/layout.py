"""Where migrations keep what they know: the space `M` of the store. Every value ends in a checksum over key and content.

| key | value |
|---|---|
| `Mc` | the current version, and a mark that every change to the schemas replaces: it tells when to read them again |
| `Ms` version (6) | a schema, as its definition |
| `Ml` | the lease of the migration that is running |
| `Ma` | the migration that is running, or was when its process died: how far it has come |
| `Mh` number (8) | the history: what ran, and what became of it |
| `Mo` id number (4) | the records of one batch as they were before the migration replaced them, byte for byte |
"""

from zlib import crc32

from llmspell import values
from llmspell.errors import Corrupt
from llmspell.migration import version as versions
from llmspell.migration.version import Version
from llmspell.storage import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from llmspell.storage.store import ReadTransaction, WriteTransaction

SPACE = b"M"
CURRENT = b"Mc"
SCHEMAS, SCHEMAS_END = b"Ms", b"Mt"
LEASE = b"Ml"
ACTIVE = b"Ma"
HISTORY, HISTORY_END = b"Mh", b"Mi"
ORIGINALS = b"Mo"


def schema_key(version: Version) -> bytes:
    return SCHEMAS + versions.to_bytes(version)


def history_key(number: int) -> bytes:
    return HISTORY + number.to_bytes(8, "big")


def originals_key(migration_id: str, number: int) -> bytes:
    return ORIGINALS + migration_id.encode() + number.to_bytes(4, "big")


def read(txn: "ReadTransaction", key: bytes) -> "Any":
    """The value under a key, or None. Raises Corrupt."""
    stored = txn.get(key)
    return None if stored is None else unseal(key, stored)


def write(txn: "WriteTransaction", key: bytes, value: "Any") -> None:
    """Set a value."""
    txn.put(key, record.seal(key, b"", values.encode(value)))


def unseal(key: bytes, stored: bytes) -> "Any":
    """What a stored value says. Raises Corrupt when it is damaged."""
    return values.decode(content(key, stored))


def content(key: bytes, stored: bytes) -> bytes:
    """The bytes of a stored value without their checksum. Raises Corrupt when they are damaged."""
    if crc32(stored, crc32(key)) != record.INTACT:
        raise Corrupt(f"what the store keeps for migrations is damaged (the entry {key[:2].decode()})")
    return stored[:-4]
