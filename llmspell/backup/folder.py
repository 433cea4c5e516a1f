"""The folder of backups: its files, its lock, and what is left of backups that were never finished.

A backup is `<id>.pack`, its chunks, and `<id>.manifest`, which is written last and removed first. A pack without a
manifest is debris.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from llmspell.backup.manifest import MAX_BYTES, Manifest, Reader, is_id
from llmspell.errors import BackupError, Corrupt, LlmspellError, NotFound, StorageBusy, StorageFull
from llmspell.storage.folder import sync_folder

MANIFEST, PACK, UNFINISHED = ".manifest", ".pack", ".manifest.new"
LOCK = ".lock"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


class Folder:
    """The folder at `path`. It need not exist before the first backup is made."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)

    def manifest_path(self, backup_id: str) -> str:
        return os.path.join(self.path, backup_id + MANIFEST)

    def pack_path(self, backup_id: str) -> str:
        return os.path.join(self.path, backup_id + PACK)

    def make(self) -> None:
        """Make sure that the folder exists, and that its name is on disk."""
        missing = []
        path = self.path
        while not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path)
        try:
            for path in reversed(missing):
                os.makedirs(path, mode=0o700, exist_ok=True)
                sync_folder(os.path.dirname(path))
        except OSError as error:
            raise explain(error, self.path) from error

    def sync(self) -> None:
        """Put the names in the folder on disk: without it, a rename or a removal can be lost."""
        try:
            sync_folder(self.path)
        except OSError as error:
            raise explain(error, self.path) from error

    def ids(self) -> list[str]:
        """The ids of all finished backups, damaged ones too, in order of their creation as the ids tell it."""
        return sorted(name.removesuffix(MANIFEST) for name in self._names() if _id_of(name, MANIFEST))

    def read(self, backup_id: str) -> Reader:
        """The manifest of a backup. Raises NotFound when there is no such backup, and Corrupt."""
        if not is_id(backup_id):
            raise NotFound(f"there is no backup {backup_id!r}", hint="`llmspell backup list` shows what there is")
        try:
            with open(self.manifest_path(backup_id), "rb") as file:
                if os.fstat(file.fileno()).st_size > MAX_BYTES:
                    raise Corrupt(f"the manifest of the backup {backup_id} is larger than any can be")
                return Reader(file.read(), backup_id)
        except FileNotFoundError:
            raise NotFound(
                f"there is no backup {backup_id} in {self.path}", hint="`llmspell backup list` shows what there is"
            ) from None
        except OSError as error:
            raise explain(error, self.manifest_path(backup_id)) from error

    def manifests(self) -> tuple[list[Manifest], list[LlmspellError]]:
        """All backups, the one made last first, whatever the clock said; and what is wrong with those that cannot be read."""
        found: list[Manifest] = []
        broken: list[LlmspellError] = []
        for backup_id in self.ids():
            try:
                found.append(self.read(backup_id).manifest)
            except NotFound:
                continue  # removed meanwhile
            except LlmspellError as error:
                broken.append(error)
        found.sort(key=lambda each: (each.sequence, each.created_at), reverse=True)
        return found, broken

    def debris(self) -> list[str]:
        """Paths of what unfinished and half removed backups have left. Means something only under the lock."""
        names = self._names()
        finished = {name.removesuffix(MANIFEST) for name in names if _id_of(name, MANIFEST)}
        return [
            os.path.join(self.path, name)
            for name in sorted(names)
            if _id_of(name, UNFINISHED) or (_id_of(name, PACK) and name.removesuffix(PACK) not in finished)
        ]

    def debris_bytes(self) -> int:
        """What it takes."""
        return sum(os.lstat(path).st_size for path in self.debris())

    def clear_debris(self) -> int:
        """Remove it; how many bytes it had. Only under the lock: else it may be another's work."""
        return sum(self._unlink(path) for path in self.debris())

    def remove(self, backup_id: str) -> int:
        """Remove a backup; how many bytes it had. Its manifest goes first, so that a crash leaves only debris."""
        freed = self._unlink(self.manifest_path(backup_id))
        self.sync()
        return freed + self._unlink(self.pack_path(backup_id))

    def used_bytes(self) -> int:
        """What all files of the folder take, debris and damaged backups too, and those of the folders in it."""
        total = 0
        for path, _, names in os.walk(self.path):
            for name in names:
                with suppress(FileNotFoundError):
                    total += os.lstat(os.path.join(path, name)).st_size
        return total

    @contextmanager
    def changing(self) -> Iterator[None]:
        """The right to change the folder. Raises StorageBusy at once when another has it, or reads.

        The kernel keeps it, and gives it back when the process ends, however that happens.
        """
        self.make()
        with self._locked(os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX) as descriptor:
            try:
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            except OSError:
                pass  # who holds the lock is for messages only
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The right to read: nothing is removed meanwhile. A folder that cannot be written to needs no lock."""
        if not os.path.isdir(self.path):
            yield
            return
        with self._locked(os.O_RDWR | os.O_CREAT, fcntl.LOCK_SH):
            yield

    @contextmanager
    def _locked(self, flags: int, kind: int) -> Iterator[int]:
        path = os.path.join(self.path, LOCK)
        try:
            descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            if kind == fcntl.LOCK_SH and error.errno in (*_READ_ONLY, *_FULL):
                yield -1
                return
            raise explain(error, self.path) from error
        try:
            try:
                fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
                raise StorageBusy(
                    f"the backups in {self.path} are in use by another command"
                    + (f" (process {owner})" if owner.isdigit() else ""),
                    hint="try again when it has ended",
                ) from None
            except OSError as error:
                raise explain(error, self.path) from error
            yield descriptor
        finally:
            os.close(descriptor)

    def _names(self) -> list[str]:
        try:
            return os.listdir(self.path)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise explain(error, self.path) from error

    def _unlink(self, path: str) -> int:
        try:
            size = os.lstat(path).st_size
            os.unlink(path)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise explain(error, path) from error
        return size


def explain(error: OSError, path: str) -> LlmspellError:
    """The error to raise when the operating system refuses something about a backup."""
    if error.errno in _FULL:
        return StorageFull(f"no room for the backup at {path}: {error.strerror}")
    return BackupError(
        f"cannot use {path} for backups: {error.strerror}", hint="[state.backup] backup_dir names the folder"
    )


def _id_of(name: str, suffix: str) -> bool:
    return name.endswith(suffix) and is_id(name.removesuffix(suffix))
