"""Folders on disk."""

import errno
import os


def sync_folder(path: str) -> None:
    """Put the entries of a folder on disk: without it, what was made or renamed in it can be lost with the power."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # Some network file systems cannot, and need not.
            raise
    finally:
        os.close(descriptor)
