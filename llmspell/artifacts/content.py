"""Contents: bytes that are stored once, however many refer to them, and that go when nobody does any more.

A content is named by its BLAKE3. Up to `PIECE_BYTES` it is one piece; a larger one is a list of pieces, which are contents
of their own, so that two that begin alike share their beginning. References are counted in the very transaction that
makes or drops them. What has none left stays until `collection` removes it.
"""

from collections import Counter

from blake3 import blake3

from llmspell.artifacts import layout
from llmspell.artifacts.layout import HASH_BYTES, LIST, MAX_LIST_BYTES, PIECE_BYTES, PLAIN, ZSTD, Content, Piece
from llmspell.errors import Corrupt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmspell.state.transaction import Transaction
    from llmspell.storage.store import ReadTransaction, WriteTransaction

LEVEL = 3


class Packed:
    """A piece that is ready to be stored: its hash, its plain `size`, and the bytes to keep for it."""

    __slots__ = ("data", "hash", "kind", "size")

    def __init__(self, data: bytes, hash: bytes, *, compress: bool) -> None:
        self.hash = hash
        self.size = len(data)
        self.kind = PLAIN
        self.data = data
        if compress:
            from zstandard import ZstdCompressor

            packed = ZstdCompressor(LEVEL).compress(data)
            if len(packed) < len(data):
                self.kind, self.data = ZSTD, packed


def add(transaction: "Transaction", data: bytes, *, compress: bool) -> tuple[Content, int]:
    """Refer once more to the content `data`, storing what is not there yet; and how many of its bytes were there."""
    hash = blake3(data).digest()
    found = layout.find_content(transaction.main, hash)
    if found is not None:
        refer(transaction.main, found)
        return found, len(data)
    if len(data) <= PIECE_BYTES:
        return add_piece(transaction, Packed(data, hash, compress=compress)), 0
    hashes = bytearray()
    stored = shared = 0
    for start in range(0, len(data), PIECE_BYTES):
        piece, was_there = add(transaction, data[start : start + PIECE_BYTES], compress=compress)
        hashes += piece.hash
        stored += piece.stored
        shared += was_there
    return add_list(transaction, hash, len(data), stored, hashes), shared


def add_piece(transaction: "Transaction", packed: Packed) -> Content:
    """Store a piece that is not there yet; it has one reference."""
    content = Content(
        packed.hash, is_list=False, size=packed.size, stored=len(packed.data), piece=_free_key(transaction)
    )
    value = layout.pack_piece(content.piece, packed.kind, packed.size, packed.hash, packed.data)
    return _keep(transaction, content, value)


def add_list(transaction: "Transaction", hash: bytes, size: int, stored: int, hashes: bytearray) -> Content:
    """Store a content that is not there yet, of pieces that have a reference for each time they stand in `hashes`."""
    content = Content(hash, is_list=True, size=size, stored=stored, piece=_free_key(transaction))
    return _keep(transaction, content, layout.pack_piece(content.piece, LIST, size, hash, hashes))


def refer(main: "WriteTransaction", content: Content, count: int = 1) -> None:
    """Refer to a content `count` times more, or less when it is negative."""
    content.references += count
    if content.references < 0:
        raise Corrupt(f"the content {content.hash.hex()} of an artifact has fewer references than there are")
    content.write(main)


def release(main: "WriteTransaction", hashes: "Iterable[bytes]") -> None:
    """Drop one reference for each hash."""
    for hash, count in Counter(iter(hashes)).items():
        refer(main, need(main, hash), -count)


def need(txn: "ReadTransaction", hash: bytes) -> Content:
    """The entry of a content that must be there. Raises Corrupt."""
    content = layout.find_content(txn, hash)
    if content is None:
        raise Corrupt(f"the content {hash.hex()} of an artifact is missing")
    return content


def read(txn: "ReadTransaction", hash: bytes) -> bytes:
    """All bytes of a content, verified. Raises Corrupt."""
    return b"".join(pieces(txn, hash))


def pieces(txn: "ReadTransaction", hash: bytes) -> "Iterator[bytes]":
    """The bytes of a content piece by piece, each verified before it is given. Raises Corrupt."""
    content = need(txn, hash)
    if not content.is_list:
        yield open_piece(txn, content)
        return
    size = 0
    for each in list_of(txn, content):
        data = open_piece(txn, need(txn, each))
        size += len(data)
        yield data
    if size != content.size:
        raise _damaged(content)


def list_of(txn: "ReadTransaction", content: Content) -> list[bytes]:
    """The hashes of the pieces that make up a content. Raises Corrupt."""
    piece = _fetch(txn, content)
    if piece.kind != LIST or len(piece.data) % HASH_BYTES or len(piece.data) > MAX_LIST_BYTES:
        raise _damaged(content)
    return split(piece.data)


def split(hashes: "bytes | bytearray") -> list[bytes]:
    """The hashes that stand behind each other in `hashes`."""
    return [bytes(hashes[start : start + HASH_BYTES]) for start in range(0, len(hashes), HASH_BYTES)]


def open_piece(txn: "ReadTransaction", content: Content) -> bytes:
    """The bytes of a content of one piece, verified. Raises Corrupt."""
    data = unpack(_fetch(txn, content))
    if content.is_list or len(data) != content.size:
        raise _damaged(content)
    return data


def unpack(piece: Piece) -> bytes:
    """The plain bytes of a piece, compared with its hash. Raises Corrupt."""
    data = piece.data
    if piece.kind == ZSTD:
        from zstandard import ZstdDecompressor, ZstdError, get_frame_parameters

        try:
            if get_frame_parameters(data).content_size != piece.size or piece.size > PIECE_BYTES:
                raise ZstdError("it does not hold what it should")
            data = ZstdDecompressor().decompress(data)
        except ZstdError as error:
            raise Corrupt(f"a piece of an artifact's content cannot be decompressed: {error}") from None
    if piece.kind == LIST or len(data) != piece.size or blake3(data).digest() != piece.hash:
        raise Corrupt(f"the content {piece.hash.hex()} of an artifact is not what it was")
    return data


def _fetch(txn: "ReadTransaction", content: Content) -> Piece:
    value = txn.get(content.piece)
    if value is None:
        raise Corrupt(f"the bytes of the content {content.hash.hex()} of an artifact are missing")
    piece = Piece(content.piece, value)
    if piece.hash != content.hash or piece.size != content.size:
        raise _damaged(content)
    return piece


def _keep(transaction: "Transaction", content: Content, value: bytes) -> Content:
    transaction.touch()  # the version is part of the key, so this commit must have one of its own
    transaction.main.put(content.piece, value)
    refer(transaction.main, content)
    return content


def _free_key(transaction: "Transaction") -> bytes:
    """A key under the version of this commit that nothing has."""
    version = transaction.version
    first = layout.piece_key(version, 0)
    if transaction.main.get(first) is None:
        return first
    last = next(transaction.main.scan_keys(first, layout.piece_key(version + 1, 0), reverse=True))
    return layout.piece_key(version, int.from_bytes(last[-4:], "big") + 1)


def _damaged(content: Content) -> Corrupt:
    return Corrupt(f"the content {content.hash.hex()} of an artifact is not what its entry says")
