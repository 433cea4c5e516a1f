"""What an LMDB file says about itself, read without the engine, which would trust it.

LMDB maps the file and follows its page numbers: one that points behind the end kills the process with SIGBUS, and an
empty file is silently made a new database. So the file is looked at first. The layout is that of LMDB 0.9 on 64 bits.
"""

from os import O_CLOEXEC, O_RDONLY, close, fstat, open, pread
from stat import S_ISREG
from struct import Struct
from sys import byteorder

from llmspell.errors import Corrupt, StorageError

PAGE = Struct("=QHHHH")
"""The header of a page: number, padding, kind, and where its free room begins and ends (or how long an extent is)."""
BRANCH, LEAF, OVERFLOW = 0x01, 0x02, 0x04
NO_PAGE = 2**64 - 1
FIRST_PAGE = 2
"""Pages 0 and 1 are the headers of the file."""

_META = Struct("=QHHIIIQQ48s48sQQ")
"""A page's header, then: magic, format, address, map size, free list and main tree, last page, transaction."""
_TREE = Struct("=IHHQQQQQ")
_MAGIC = 0xBEEFC0DE
_FORMAT = 1
_META_KIND = 0x08
_MIN_PAGE, _MAX_PAGE = 512, 65536


class TreeRecord:
    """What a header says about one of the two trees: the free list or the keys of the store."""

    __slots__ = ("depth", "entries", "flags", "pages", "root")

    def __init__(self, data: bytes) -> None:
        _, self.flags, self.depth, branches, leaves, overflows, self.entries, self.root = _TREE.unpack(data)
        self.pages: int = branches + leaves + overflows


class DataFile:
    """The newest state of a data file: its page size, how many pages it has, and its two trees.

    Raises StorageError when it cannot be read or is no LMDB file, and Corrupt when it is one but its headers or roots are
    damaged. What is behind them is for `storage.structure`.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._descriptor = open(path, O_RDONLY | O_CLOEXEC)
        except OSError as problem:
            raise StorageError(f"cannot read {path}: {problem.strerror}") from problem
        try:
            self._read_headers()
        except BaseException:
            close(self._descriptor)
            raise

    def __enter__(self) -> "DataFile":
        return self

    def __exit__(self, *_: object) -> None:
        close(self._descriptor)

    def is_short(self) -> bool:
        """Whether pages are missing at the end: cut off, or never written because they are free."""
        return self.size < self.page_count * self.page_size

    def read(self, page: int, start: int, length: int) -> bytes:
        """Bytes from `start` on of a page, and of those behind it; fewer when the file ends before."""
        return pread(self._descriptor, length, page * self.page_size + start)

    def is_cut_off(self) -> Corrupt:
        """The error for a file that is too short."""
        size = fstat(self._descriptor).st_size
        return Corrupt(f"{self.path} was cut off: pages are missing behind its {size} bytes")

    def _read_headers(self) -> None:
        status = fstat(self._descriptor)
        if not S_ISREG(status.st_mode):
            raise StorageError(f"{self.path} is not a file")
        if status.st_size == 0:
            raise Corrupt(f"{self.path} is empty: it was cut off, for a store is never without content")
        self.page_size = 0
        first = self._read_header(0)
        self.page_size = first[0]
        if not _MIN_PAGE <= self.page_size <= _MAX_PAGE or self.page_size & (self.page_size - 1):
            raise Corrupt(f"{self.path} is damaged: its page size is {self.page_size}")
        _, _, last_page, free, main = max(first, self._read_header(1), key=lambda header: header[1])
        self.page_count = last_page + 1
        self.free = TreeRecord(free)
        self.main = TreeRecord(main)
        # Looked up after the headers: a writer makes the file longer before it says so there.
        self.size = fstat(self._descriptor).st_size
        for tree in (self.free, self.main):
            self._check_root(tree.root)

    def _read_header(self, index: int) -> tuple[int, int, int, bytes, bytes]:
        """Page size, transaction, last page, and the records of free list and main tree of one of the two headers."""
        data = self.read(index, 0, _META.size)
        if len(data) < _META.size:
            raise self.is_cut_off() if index or data.startswith(bytes(10)) else self._is_foreign()
        number, _, kind, _, magic, format_, _, _, free, main, last_page, transaction = _META.unpack(data)
        if magic != _MAGIC or number != index or not kind & _META_KIND:
            raise Corrupt(f"{self.path} is damaged: its second header is not one") if index else self._is_foreign()
        if format_ != _FORMAT:
            raise StorageError(f"{self.path} has the LMDB format {format_}, which this version cannot read")
        return int.from_bytes(free[:4], byteorder), transaction, last_page, free, main

    def _check_root(self, root: int) -> None:
        if root == NO_PAGE:
            return
        if not FIRST_PAGE <= root < self.page_count:
            raise Corrupt(f"{self.path} is damaged: a tree begins at page {root} of {self.page_count}")
        header = self.read(root, 0, PAGE.size)
        if len(header) < PAGE.size:
            raise self.is_cut_off()
        number, _, kind, lower, upper = PAGE.unpack(header)
        if number != root or kind not in (BRANCH, LEAF) or not PAGE.size <= lower <= upper <= self.page_size:
            raise Corrupt(f"{self.path} is damaged: page {root}, where a tree begins, is not one of its pages")

    def _is_foreign(self) -> StorageError:
        return StorageError(
            f"{self.path} is not an LMDB file of this kind of machine",
            hint="give the store a folder of its own",
        )
