"""Files that artifacts come from and go to."""

import os
from contextlib import suppress
from stat import S_ISREG

from llmspell.artifacts.artifact import MAX_FILE_BYTES
from llmspell.errors import BadArgument, NotFound, StorageError, StorageFull, ValueTooLarge
from llmspell.ids import new_id
from llmspell.state.limits import size_text
from llmspell.storage.fault import FULL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_BLOCK_BYTES = 1 << 20


class Source:
    """A file that is read from its beginning to its end. A context manager; `size` is that of the moment it was opened.

    Raises NotFound, BadArgument for what is no regular file, ValueTooLarge above 10 GiB, and StorageError.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise _explain(error, path) from None
        status = os.fstat(self._descriptor)
        self.size = status.st_size
        try:
            if not S_ISREG(status.st_mode):
                raise BadArgument(f"'{path}' is not a regular file")
            self._check(self.size)
        except BaseException:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def blocks(self) -> "Iterator[bytes]":
        size = 0
        while True:
            try:
                block = os.read(self._descriptor, _BLOCK_BYTES)
            except OSError as error:
                raise _explain(error, self.path) from None
            if not block:
                return
            size += len(block)
            self._check(size)
            yield block

    def _check(self, size: int) -> None:
        if size > MAX_FILE_BYTES:
            raise ValueTooLarge(
                f"'{self.path}' is larger than {size_text(MAX_FILE_BYTES)}, the limit for an artifact from a file"
            )


def write(path: str, blocks: "Iterable[bytes]", progress: "Callable[[int], object] | None" = None) -> int:
    """Put the blocks into a file, in place of what was there; how many bytes they were.

    All or nothing: a file beside it is filled first. Raises BadArgument for what is no regular file, StorageFull, and
    StorageError.
    """
    try:
        if os.path.lexists(path) and not S_ISREG(os.lstat(path).st_mode):
            raise BadArgument(f"'{path}' is there already, and not a regular file")
        unfinished = os.path.join(os.path.dirname(path), f".{new_id()}.part")
        # The mode of a new file, and nobody else's: the name is new, so no link can be in its place.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise _explain(error, path) from None
    size = 0
    try:
        try:
            for block in blocks:
                view = memoryview(block)
                while view:
                    view = view[os.write(descriptor, view) :]
                size += len(block)
                if progress is not None:
                    progress(len(block))
        finally:
            os.close(descriptor)
        os.replace(unfinished, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(unfinished)
        if isinstance(error, OSError):
            raise _explain(error, path) from None
        raise
    return size


def _explain(error: OSError, path: str) -> Exception:
    if isinstance(error, FileNotFoundError):
        folder = os.path.dirname(path) or "."
        return NotFound(f"there is no file '{path}'" if os.path.isdir(folder) else f"there is no folder '{folder}'")
    if isinstance(error, IsADirectoryError):
        return BadArgument(f"'{path}' is a folder")
    if error.errno in FULL:
        return StorageFull(f"cannot write '{path}': {error.strerror}")
    return StorageError(f"cannot use '{path}': {error.strerror}")
