"""What the errors of LMDB and of the operating system mean to a user of the store."""

import errno
import os

from llmspell.errors import Corrupt, LlmspellError, StorageBusy, StorageError, StorageFull

TYPE_CHECKING = False
if TYPE_CHECKING:
    import lmdb

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_PROBE_BYTES = 1 << 20


def explain(error: "lmdb.Error", path: str) -> LlmspellError:
    """The error to raise for one of LMDB's on the store at `path`."""
    import lmdb

    if isinstance(error, lmdb.MapFullError):
        return StorageFull(
            f"the store at {path} has reached the size of its memory map",
            hint="allow the process more address space (ulimit -v), or delete something; nothing was changed",
        )
    if isinstance(error, (lmdb.CorruptedError, lmdb.PageNotFoundError, lmdb.InvalidError, lmdb.VersionMismatchError)):
        return Corrupt(f"the store at {path} is damaged ({error})")
    if isinstance(error, lmdb.ReadersFullError):
        return StorageBusy(f"the store at {path} has too many readers at once")
    if isinstance(error, lmdb.TxnFullError):
        return StorageFull(
            f"the transaction on the store at {path} has changed too much",
            hint="do less in one transaction; nothing was changed",
        )
    if isinstance(error, lmdb.MemoryError):
        return StorageError(f"the store at {path} cannot be mapped into memory: {os.strerror(errno.ENOMEM)}")
    code = error.code
    if code == errno.EIO and _is_full(path):
        code = errno.ENOSPC
    if code > 0:
        return explain_os(code, path)
    return StorageError(f"the store at {path}: {error}")


def explain_os(code: int, path: str) -> LlmspellError:
    """The error to raise when the operating system refuses something about the store at `path`."""
    if code in FULL:
        return StorageFull(f"no room for the store at {path}: {os.strerror(code)}")
    if code in _FORBIDDEN:
        return StorageError(
            f"no permission for the store at {path}: {os.strerror(code)}",
            hint="its folder and the files in it must be readable and writable for this user",
        )
    return StorageError(f"the store at {path}: {os.strerror(code)}")


def _is_full(path: str) -> bool:
    """Whether the file system takes no more. LMDB reports a write that was cut short by a full disk as EIO."""
    probe = os.path.join(path, f"probe.{os.getpid()}")
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            # Where the data file ends, so that a limit on the size of files is met too.
            end = os.stat(os.path.join(path, "data.mdb")).st_size
            return os.pwrite(descriptor, bytes(_PROBE_BYTES), end) < _PROBE_BYTES
        finally:
            os.close(descriptor)
            os.unlink(probe)
    except OSError as error:
        return error.errno in FULL
