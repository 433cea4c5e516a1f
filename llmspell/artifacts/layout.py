"""Where artifacts lie: the spaces `A` and `B` of the store. Every value ends in a CRC-32 over its key and content.

| key | value |
|---|---|
| `B` version (8) number (4) | one piece: up to 128 KiB of content, or the list of the pieces of a larger content |
| `Ac` BLAKE3 (32) | a content: how many references it has, its sizes, and where its piece lies |
| `Au` upload (36) | an upload in progress: the process it belongs to |
| `Av` upload (36) number (4) | what one batch of it has referenced |
| `Aa` session (16) sequence (8) | an artifact |
| `Ad` session (16) sequence (8) | one that was deleted, and that a checkpoint still needs |
| `Ak` session (16) | the last sequence of the session, and its totals |
| `An` session (16) name (16) version (8) | the sequence of a version of a name |
| `Ai` kind (1) subject (16) time (8) session (16) sequence (8) | an index: see `artifacts.index` |

A session's 16 bytes are its UUID; names, types and tags stand in keys as the first 16 bytes of their BLAKE3, so that they
may be any text. A piece lies under the version of the commit that wrote it and never changes: in any range of versions
that is over, pieces can only go, so backups need no more than their number. A content of one piece has the hash of that
piece, so both are one entry. Numbers are big-endian in keys, little-endian in values.
"""

from functools import lru_cache
from struct import Struct
from zlib import crc32

from blake3 import blake3

from llmspell import values
from llmspell.errors import Corrupt, StorageError
from llmspell.storage import keys
from llmspell.storage.record import INTACT, seal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from llmspell.storage.store import ReadTransaction, WriteTransaction

FORMAT = 1
PIECES, PIECES_END = keys.PIECES, keys.next_space(keys.PIECES)
CONTENTS, CONTENTS_END = b"Ac", b"Ad"
UPLOADS, UPLOADS_END = b"Au", b"Av"
BATCHES, BATCHES_END = b"Av", b"Aw"
ARTIFACTS, ARTIFACTS_END = b"Aa", b"Ab"
DELETED, DELETED_END = b"Ad", b"Ae"
COUNTERS, COUNTERS_END = b"Ak", b"Al"
NAMES, NAMES_END = b"An", b"Ao"
INDEX, INDEX_END = b"Ai", b"Aj"

PLAIN, ZSTD, LIST = range(3)
"""How the bytes of a piece are kept: as they are, compressed, or as a list of the hashes of other pieces."""

HASH_BYTES = 32
PIECE_BYTES = (128 << 10) - 128
"""The plain bytes of a piece; with its header it fills whole pages of the file."""
MAX_LIST_BYTES = HASH_BYTES * (10 * (1 << 30) // PIECE_BYTES + 1)

_MARK = bytes([FORMAT])
_pack = values.encoder()
_PIECE = Struct("<BBQ")
_PIECE_HEADER = _PIECE.size + HASH_BYTES
_CONTENT = Struct("<BBQQQ12s")
_CONTENT_BYTES = _CONTENT.size + 4


class Piece:
    """One stored piece, with its checksum verified. `data` is as it is kept; `size` that of the content it stands for."""

    __slots__ = ("data", "hash", "kind", "size")

    def __init__(self, key: bytes, value: bytes) -> None:
        if len(value) < _PIECE_HEADER + 4 or crc32(value, crc32(key)) != INTACT:
            raise Corrupt(f"a piece of an artifact's content is damaged (at {key.hex()})")
        number, self.kind, self.size = _PIECE.unpack_from(value)
        self.hash = value[_PIECE.size : _PIECE_HEADER]
        self.data = value[_PIECE_HEADER:-4]
        if number != FORMAT or self.kind > LIST:
            raise _later("a piece of an artifact's content", number)


def pack_piece(key: bytes, kind: int, size: int, hash: bytes, data: "bytes | bytearray") -> bytes:
    return seal(key, _PIECE.pack(FORMAT, kind, size) + hash, bytes(data))


class Content:
    """What is known about a content: `references`, `size`, the bytes `stored` for it, and the key of its piece."""

    __slots__ = ("hash", "is_list", "piece", "references", "size", "stored")

    def __init__(self, hash: bytes, *, is_list: bool, size: int, stored: int, piece: bytes) -> None:
        self.hash = hash
        self.is_list = is_list
        self.references = 0
        self.size = size
        self.stored = stored
        self.piece = piece

    @classmethod
    def unpack(cls, key: bytes, value: bytes) -> "Content":
        if len(value) != _CONTENT_BYTES or crc32(value, crc32(key)) != INTACT:
            raise Corrupt(f"the entry of an artifact's content is damaged ({key[2:].hex()})")
        number, is_list, references, size, stored, place = _CONTENT.unpack_from(value)
        if number != FORMAT:
            raise _later("the entry of an artifact's content", number)
        content = cls(key[2:], is_list=bool(is_list), size=size, stored=stored, piece=PIECES + place)
        content.references = references
        return content

    def write(self, txn: "WriteTransaction") -> None:
        key = CONTENTS + self.hash
        header = _CONTENT.pack(FORMAT, self.is_list, self.references, self.size, self.stored, self.piece[1:])
        txn.put(key, seal(key, header, b""))


def find_content(txn: "ReadTransaction", hash: bytes) -> Content | None:
    """The entry of a content, or None. Raises Corrupt."""
    key = CONTENTS + hash
    value = txn.get(key)
    return None if value is None else Content.unpack(key, value)


def read(txn: "ReadTransaction", key: bytes) -> "Any":
    """The value under a key of any other kind, or None. Raises Corrupt."""
    stored = txn.get(key)
    return None if stored is None else unseal(key, stored)


def unseal(key: bytes, stored: bytes) -> "Any":
    """What a stored value of any other kind says. Raises Corrupt when it is damaged."""
    if len(stored) < 5 or crc32(stored, crc32(key)) != INTACT:
        raise Corrupt(
            f"what the store keeps for artifacts is damaged (the entry {key[:2].decode()} at {key[2:].hex()})"
        )
    if stored[0] != FORMAT:
        raise _later(f"the entry {key[:2].decode()} of artifacts", stored[0])
    return values.decode(values.MSGPACK + stored[1:-4])


def write(txn: "WriteTransaction", key: bytes, value: "Any") -> None:
    """Set a value of any other kind."""
    txn.put(key, seal_value(key, value))


def seal_value(key: bytes, value: "Any") -> bytes:
    """What is stored for a value of any other kind."""
    return seal(key, _MARK, _pack(value))


def piece_key(version: int, number: int) -> bytes:
    return PIECES + version.to_bytes(8, "big") + number.to_bytes(4, "big")


def batch_key(upload: bytes, number: int) -> bytes:
    return BATCHES + upload + number.to_bytes(4, "big")


def artifact_key(session: bytes, sequence: int) -> bytes:
    return ARTIFACTS + session + sequence.to_bytes(8, "big")


def session_range(kind: bytes, session: bytes) -> tuple[bytes, bytes]:
    """All keys of one kind (`Aa`, `Ad`, `An`) that belong to a session."""
    start = kind + session
    return start, start + b"\xff" * 25


@lru_cache(1024)
def digest(text: str) -> bytes:
    """What stands for a text in keys."""
    return blake3(text.encode()).digest(16)


def name_key(session: bytes, name: str, version: int) -> bytes:
    return NAMES + session + digest(name) + version.to_bytes(8, "big")


def _later(what: str, number: int) -> StorageError:
    return StorageError(
        f"{what} has the unknown format {number}", hint="use the version of llmspell that wrote it, or a later one"
    )
