"""The file of an exported session: frames behind a mark, compressed as a whole, with a checksum each and one over all.

The mark is `llmspell session 1` and a line feed; what follows is one zstd stream of frames. A frame is its kind (1 byte), the
length of its body (4, little-endian), the body, and the CRC-32 over kind and body. The last frame, of kind END, holds the
BLAKE3 of all frames before it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import IO
from zlib import crc32

import zstandard
from blake3 import blake3

from llmspell.errors import BadArgument, Corrupt, StorageError, StorageFull
from llmspell.storage.folder import sync_folder

MARK = b"llmspell session 1\n"
DETAILS, CHECKPOINT, VALUE, ENTRY, EXECUTION, ATTACHED, ATTACHMENT, END = range(1, 9)
MAX_BODY = 64 << 20
"""No frame is longer: a longer one is damage."""
_PIECE = 1 << 20
_FULL = {28: True, 122: True, 27: True}  # ENOSPC, EDQUOT, EFBIG

Progress = Callable[[int], None]


class Writer:
    """Writes an archive to `path`, which appears complete or not at all. A context manager."""

    def __init__(self, path: str, progress: Progress) -> None:
        self._path = os.path.abspath(path)
        self._fresh = f"{self._path}.{os.getpid()}.new"
        self._progress = progress
        self._digest = blake3()

    def __enter__(self) -> "Writer":
        try:
            self._file = open(self._fresh, "xb")
            self._file.write(MARK)
        except OSError as error:
            raise explain(error, self._path) from error
        self._stream = zstandard.ZstdCompressor(level=3).stream_writer(self._file, closefd=False)
        return self

    def add(self, kind: int, body: bytes) -> None:
        """Add one frame."""
        frame = _pack(kind, body)
        self._digest.update(frame)
        self._write(frame)
        self._progress(len(frame))

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                self._write(_pack(END, self._digest.digest()))
                self._stream.flush(zstandard.FLUSH_FRAME)
                self._file.flush()
                os.fsync(self._file.fileno())
                os.rename(self._fresh, self._path)
                sync_folder(os.path.dirname(self._path))
        except OSError as error:
            raise explain(error, self._path) from error
        finally:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                os.unlink(self._fresh)

    def _write(self, data: bytes) -> None:
        try:
            self._stream.write(data)
        except OSError as error:
            raise explain(error, self._path) from error


def read(path: str, progress: Progress) -> Iterator[tuple[int, bytes]]:
    """The frames of an archive, without the last, each verified; raises Corrupt at the first damage, or when it is cut off."""
    try:
        with open(path, "rb") as file:
            if file.read(len(MARK)) != MARK:
                raise Corrupt(f"{path} is not an exported session", hint="`llmspell session export` makes one")
            yield from _frames(file, path, progress)
    except OSError as error:
        raise explain(error, path, is_reading=True) from error
    except zstandard.ZstdError:
        raise _damage(path) from None


def _frames(file: IO[bytes], path: str, progress: Progress) -> Iterator[tuple[int, bytes]]:
    digest = blake3()
    with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(file, closefd=False) as stream:
        while True:
            header = _exactly(stream, 5, path)
            size = int.from_bytes(header[1:], "little")
            if size > MAX_BODY:
                raise _damage(path)
            rest = _exactly(stream, size + 4, path)
            body = rest[:-4]
            if crc32(body, crc32(header[:1])) != int.from_bytes(rest[-4:], "little"):
                raise _damage(path)
            if header[0] == END:
                if body != digest.digest() or stream.read(1):
                    raise _damage(path)
                return
            digest.update(header)
            digest.update(rest)
            progress(len(header) + len(rest))
            yield header[0], body


def _exactly(stream: zstandard.ZstdDecompressionReader, size: int, path: str) -> bytes:
    """So many bytes, in pieces: what a hostile length promises is not set aside before it is there."""
    pieces = []
    while size:
        piece = stream.read(min(size, _PIECE))
        if not piece:
            raise Corrupt(f"the exported session {path} is cut off; nothing was imported", hint="copy the file again")
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _pack(kind: int, body: bytes) -> bytes:
    head = bytes([kind])
    return b"".join((head, len(body).to_bytes(4, "little"), body, crc32(body, crc32(head)).to_bytes(4, "little")))


def _damage(path: str) -> Corrupt:
    return Corrupt(f"the exported session {path} is damaged; nothing was imported", hint="copy the file again")


def explain(error: OSError, path: str, *, is_reading: bool = False) -> Exception:
    """The error for a file that cannot be read or written."""
    if error.errno in _FULL:
        return StorageFull(f"there is no room for {path}: {error.strerror}")
    if is_reading or isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError | PermissionError):
        verb = "read" if is_reading else "write"
        return BadArgument(f"cannot {verb} {path}: {error.strerror}", exit_status=2)
    return StorageError(f"cannot write {path}: {error.strerror}")
