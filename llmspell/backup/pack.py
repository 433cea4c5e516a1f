"""Packs: files of chunks, one after the other behind a header. Written and read with the work spread over threads."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from llmspell.backup import chunk as chunks
from llmspell.backup.chunk import Chunk
from llmspell.backup.folder import Folder, explain
from llmspell.backup.manifest import COPY_LENGTH_BYTES, MAX_BYTES, PACK_MAGIC, Manifest, Reader, Ref
from llmspell.backup.seal import DIGEST_BYTES, Seal, checksum
from llmspell.errors import BackupError, Corrupt

HEADER_BYTES = len(PACK_MAGIC) + 36
_MAX_WAITING_BYTES = 16 << 20
"""Chunks on their way through the threads hold no more than about this much of plain bytes."""

FINE = 8
"""By how much fine chunks are smaller than others."""

Section = tuple[Iterable[chunks.Entry], bool]
"""Entries of one space in key order, and whether they make fine chunks: of those a change makes fewer bytes new."""

Item = TypeVar("Item")
Result = TypeVar("Result")
Progress = Callable[[int], None]
"""Called with the number of bytes that were done since the last call. It may raise, which ends the work."""


def silent(_bytes: int) -> None:
    """Tells nobody."""


def spread(
    items: Iterable[Item], work: Callable[[Item], Result], size: Callable[[Item], int]
) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, in order, worked on in as many threads as there are processors.

    No more items are taken than fit into the memory set aside for them. When the caller stops, what waits is given up.
    """
    threads = max(2, min(8, os.cpu_count() or 2))
    waiting: deque[tuple[Item, int, Future[Result]]] = deque()
    held = 0
    with ThreadPoolExecutor(threads, "backup") as pool:
        try:
            for item in items:
                bytes_ = size(item)
                waiting.append((item, bytes_, pool.submit(work, item)))
                held += bytes_
                while len(waiting) > 1 and (held > _MAX_WAITING_BYTES or len(waiting) > 2 * threads):
                    first, freed, result = waiting.popleft()
                    held -= freed
                    yield first, result.result()
            while waiting:
                first, _, result = waiting.popleft()
                yield first, result.result()
        finally:
            for _, _, result in waiting:
                result.cancel()


class Sealed:
    """A chunk as it is stored, or `stored` None when an older backup has it already."""

    __slots__ = ("checksum", "identity", "size", "stored")

    def __init__(self, identity: bytes, size: int, stored: bytes | None) -> None:
        self.identity = identity
        self.size = size
        self.stored = stored
        self.checksum = b"" if stored is None else checksum(stored)


class PackWriter:
    """Writes the pack of one backup. `known` are chunks that need not be written again, by their id.

    `finish` puts it on disk; a pack that is not finished is removed at the end of the `with` block.
    """

    def __init__(self, folder: Folder, backup_id: str, seal: Seal, known: dict[bytes, Ref]) -> None:
        self._path = folder.pack_path(backup_id)
        self._seal = seal
        self._known = known
        self._offset = HEADER_BYTES
        self._number = 0
        self._is_finished = False
        self.refs: list[Ref] = []
        try:
            self._file = open(self._path, "xb", buffering=0, opener=_private)  # noqa: SIM115 - closed in __exit__
            try:
                self._write(PACK_MAGIC + backup_id.encode())
            except BaseException:
                self.__exit__()
                raise
        except OSError as error:
            raise explain(error, self._path) from error

    def __enter__(self) -> "PackWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._is_finished:
            os.unlink(self._path)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._offset

    def add(self, sections: Iterable[Section], *, is_change: bool, progress: Progress) -> None:
        """Append the entries of every section, each in key order."""
        cut = (
            (chunk, self._take_number())
            for entries, is_fine in sections
            for chunk in chunks.cut(entries, FINE if is_fine else 1)
        )
        for (chunk, number), sealed in spread(cut, self._close, lambda item: item[0].size):
            self._append(chunk, number, sealed, is_change)
            progress(chunk.size)

    def finish(self, manifest: bytes) -> None:
        """End it with a copy of the manifest. Everything is on disk after it."""
        try:
            self._write(manifest + len(manifest).to_bytes(COPY_LENGTH_BYTES, "little"))
            os.fsync(self._file.fileno())
        except OSError as error:
            raise explain(error, self._path) from error
        self._is_finished = True

    def _take_number(self) -> int:
        self._number += 1
        return self._number

    def _close(self, item: tuple[Chunk, int]) -> Sealed:
        chunk, number = item
        data = chunks.encode(chunk.entries)
        identity = self._seal.identify(data)
        if identity in self._known:
            return Sealed(identity, len(data), None)
        return Sealed(identity, len(data), self._seal.close(data, identity, number))

    def _append(self, chunk: Chunk, number: int, sealed: Sealed, is_change: bool) -> None:
        old = self._known.get(sealed.identity)
        if old is not None:
            source, number, offset = old.source, old.number, old.offset
            stored, digest = old.stored, old.checksum
        elif sealed.stored is None:
            raise BackupError("a chunk was neither stored before nor made")
        else:
            source, offset, stored, digest = 0, self._offset, len(sealed.stored), sealed.checksum
            self._write_chunk(sealed.stored)
            self._offset += stored
        ref = Ref(
            is_change=is_change, source=source, number=number, offset=offset, stored=stored, size=sealed.size,
            entries=len(chunk.entries), identity=sealed.identity, checksum=digest, first=chunk.first, last=chunk.last,
        )  # fmt: skip
        self.refs.append(ref)

    def _write_chunk(self, data: bytes) -> None:
        try:
            self._write(data)
        except OSError as error:
            raise explain(error, self._path) from error

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) or 0 :]


class PackReader:
    """The pack of one backup, open for reading from many threads.

    Raises Corrupt when it is missing. `faults` are the other things that are wrong with it apart from its chunks.
    """

    def __init__(self, folder: Folder, manifest: Manifest) -> None:
        self._path = folder.pack_path(manifest.id)
        self._descriptor = _open(self._path, manifest.id)
        self.faults: list[str] = []
        try:
            if os.pread(self._descriptor, HEADER_BYTES, 0) != PACK_MAGIC + manifest.id.encode():
                self.faults.append(f"the pack of the backup {manifest.id} does not begin as it must")
            found = os.fstat(self._descriptor).st_size
            wanted = manifest.total_bytes - manifest.manifest_bytes
            if found != wanted:
                self.faults.append(f"the pack of the backup {manifest.id} has {found} bytes and should have {wanted}")
        except OSError as error:
            self.close()
            raise explain(error, self._path) from error

    def close(self) -> None:
        os.close(self._descriptor)

    def read(self, ref: Ref, seal: Seal) -> bytes:
        """The bytes of a chunk; raises Corrupt unless both checksums fit."""
        try:
            stored = os.pread(self._descriptor, ref.stored, ref.offset)
        except OSError as error:
            raise explain(error, self._path) from error
        if len(stored) != ref.stored or checksum(stored) != ref.checksum:
            raise Corrupt("the checksum of a chunk does not match")
        return seal.open(stored, ref.identity, ref.number, ref.size)

    def has_copy(self, manifest: Manifest) -> bool:
        """Whether it ends with an exact copy of the manifest."""
        copy = os.pread(self._descriptor, manifest.manifest_bytes + COPY_LENGTH_BYTES + 1, manifest.pack_bytes)
        length = manifest.manifest_bytes.to_bytes(COPY_LENGTH_BYTES, "little")
        return (
            copy[-COPY_LENGTH_BYTES:] == length
            and copy[-COPY_LENGTH_BYTES - DIGEST_BYTES :].startswith(bytes.fromhex(manifest.checksum))
            and checksum(copy[: -COPY_LENGTH_BYTES - DIGEST_BYTES]).hex() == manifest.checksum
        )


def read_copy(folder: Folder, backup_id: str) -> Reader:
    """The manifest of a backup out of its pack; raises Corrupt when that is damaged too."""
    path = folder.pack_path(backup_id)
    descriptor = _open(path, backup_id)
    try:
        end = os.fstat(descriptor).st_size - COPY_LENGTH_BYTES
        length = int.from_bytes(os.pread(descriptor, COPY_LENGTH_BYTES, max(end, 0)), "little")
        if length > min(end, MAX_BYTES):
            raise Corrupt(f"the pack of the backup {backup_id} does not end with a copy of its manifest")
        return Reader(os.pread(descriptor, length, end - length), backup_id)
    except OSError as error:
        raise explain(error, path) from error
    finally:
        os.close(descriptor)


def _open(path: str, backup_id: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Corrupt(
            f"the pack of the backup {backup_id} is missing ({path})", hint="restore another backup"
        ) from None
    except OSError as error:
        raise explain(error, path) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
