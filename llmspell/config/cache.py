"""Parsed configuration files, kept so that a run need not load a TOML parser.

A cache file is `$XDG_CACHE_HOME/llmspell/config-<crc32 of the path>.cache` (else below `~/.cache`). It is read with
`marshal`, which must not be given the bytes of a stranger, so it has the same standing as Python's byte-code files:
whoever may write it may already run code as the user. Hence it counts only when it and its folder are the user's own,
are no links, and nobody else may write them. It holds the whole text it was made from, and counts only for a file with
exactly these bytes. What comes out of it is checked like what comes out of the parser.

There is one per path, and a folder of more than MOST is emptied before the next is written. Any failure, in reading or
in writing, is silent: it costs time and nothing else. `LLMSPELL_NO_CACHE=1` does without.
"""

import marshal
import os
import sys
from stat import S_ISREG
from zlib import crc32

from llmspell import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

MOST = 200
"""Files kept."""

FORMAT = f"llmspell-config {__version__} {sys.version}"
"""Stands first in a cache file; one that begins otherwise was made by another version, of ours or of Python."""


class Slot:
    """The cache file of one configuration file."""

    def __init__(self, path: str, environ: "Mapping[str, str]") -> None:
        self.folder = _folder(environ)
        self.name = f"config-{crc32(os.path.abspath(path).encode('utf-8', 'surrogateescape')):08x}.cache"

    def recall(self, data: bytes) -> "tuple[dict[str, Any], dict[str, int]] | None":
        """The tables and the line numbers of a file with these bytes, or None when they are not known."""
        if not self.folder:
            return None
        try:
            folder = _open_folder(self.folder)
            try:
                return _unpack(_read(folder, self.name), data)
            finally:
                os.close(folder)
        except (OSError, ValueError, EOFError, TypeError):
            return None

    def remember(self, data: bytes, tree: "dict[str, Any]", lines: "dict[str, int]") -> None:
        """Keep what was parsed from `data`, atomically and for the user's eyes only."""
        if not self.folder:
            return
        try:
            content = _pack(data, tree, lines)
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            folder = _open_folder(self.folder)
            try:
                _make_room(folder)
                _write(folder, self.name, content)
            finally:
                os.close(folder)
        except (OSError, ValueError):
            return


def _folder(environ: "Mapping[str, str]") -> str:
    """Where the cache is, or "" when there is to be none."""
    if environ.get("LLMSPELL_NO_CACHE", "0") not in ("", "0") or not hasattr(os, "O_NOFOLLOW"):
        return ""
    root = environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(root):
        home = environ.get("HOME", "")
        root = os.path.join(home, ".cache") if os.path.isabs(home) else ""
    return os.path.join(root, "llmspell") if root else ""


def _pack(data: bytes, tree: "dict[str, Any]", lines: "dict[str, int]") -> bytes:
    body = marshal.dumps((FORMAT, data, tree, lines))
    return crc32(body).to_bytes(4, "big") + body


def _unpack(content: bytes, data: bytes) -> "tuple[dict[str, Any], dict[str, int]]":
    if crc32(content[4:]) != int.from_bytes(content[:4], "big"):
        raise ValueError("the cache file is damaged")
    form, text, tree, lines = marshal.loads(content[4:])
    if form != FORMAT or text != data:
        raise ValueError("the cache file is for something else")
    return tree, lines


def _open_folder(path: str) -> int:
    return _own(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC))


def _own(handle: int) -> int:
    """`handle`, when it is the user's own and nobody else may write it; else it is closed, and OSError."""
    status = os.fstat(handle)
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        os.close(handle)
        raise PermissionError("the cache is not the user's own")
    return handle


def _read(folder: int, name: str) -> bytes:
    handle = _own(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder))
    with open(handle, "rb") as file:
        return file.read() if S_ISREG(os.fstat(handle).st_mode) else b""


def _make_room(folder: int) -> None:
    names = [name for name in os.listdir(folder) if name.startswith("config-")]
    if len(names) > MOST:
        for name in names:
            os.unlink(name, dir_fd=folder)


def _write(folder: int, name: str, content: bytes) -> None:
    draft = f"{name}.{os.getpid()}-{os.urandom(4).hex()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(draft, flags, 0o600, dir_fd=folder)
    try:
        with open(handle, "wb") as file:
            file.write(content)
        os.rename(draft, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        os.unlink(draft, dir_fd=folder)
        raise
