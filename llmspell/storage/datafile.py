"""What an LMDB file says about itself, read without the engine, which would trust it.

LMDB maps the file and follows its page numbers: one that points behind the end kills the process with SIGBUS, and an
empty file is silently made a new database. So the file is looked at first. The layout is that of LMDB 0.9 on 64 bits.
"""

from os import O_CLOEXEC, O_RDONLY, close, fstat, open, pread
from stat import S_ISREG
from struct import Struct, error, unpack_from

from llmspell.errors import Corrupt, StorageError

_META = Struct("=QHHIIIQQ48s48sQQ")
"""A page's header, then: magic, format, address, map size, free list and main tree, last page, transaction."""
_TREE = Struct("=IHHQQQQQ")
"""Page size (in the free list's record), flags, depth, three page counts, entries, root page."""
_PAGE = Struct("=QHHHH")
_NODE = Struct("=HHHH")
_MAGIC = 0xBEEFC0DE
_FORMAT = 1
_BRANCH, _LEAF, _META_PAGE = 0x01, 0x02, 0x08
_IN_OVERFLOW = 0x01
_NO_PAGE = 2**64 - 1
_MIN_PAGE, _MAX_PAGE = 512, 65536


class DataFile:
    """The newest state of a data file: page size, size that it must have, and its two trees.

    Raises StorageError when it cannot be read or is no LMDB file, and Corrupt when it is one but damaged at its ends or
    in its roots. Damage elsewhere is found by `llmspell check`.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._descriptor = open(path, O_RDONLY | O_CLOEXEC)
        except OSError as problem:
            raise StorageError(f"cannot read {path}: {problem.strerror}") from problem
        try:
            self._read_header()
        except BaseException:
            close(self._descriptor)
            raise

    def __enter__(self) -> "DataFile":
        return self

    def __exit__(self, *_: object) -> None:
        close(self._descriptor)

    def is_short(self) -> bool:
        """Whether pages are missing at the end: cut off, or never written because they are free."""
        return self.size < self.needed

    def check_missing_pages(self) -> None:
        """Raise Corrupt unless all pages behind the end are free. Nobody may write meanwhile.

        LMDB does not write pages that were taken and given back in one transaction, so an intact file can be short.
        """
        first = self.size // self.page_size
        try:
            free = self._find_free(first)
        except (error, ValueError):
            raise self._is_cut_off() from None
        if len(free) < self.needed // self.page_size - first:
            raise self._is_cut_off()

    def _read_header(self) -> None:
        status = fstat(self._descriptor)
        if not S_ISREG(status.st_mode):
            raise StorageError(f"{self.path} is not a file")
        if status.st_size == 0:
            raise Corrupt(f"{self.path} is empty: it was cut off, for a store is never without content")
        newest = self._read_meta(0)
        self.page_size: int = newest[0]
        if not _MIN_PAGE <= self.page_size <= _MAX_PAGE or self.page_size & (self.page_size - 1):
            raise Corrupt(f"{self.path} is damaged: its page size is {self.page_size}")
        newest = max(newest, self._read_meta(1), key=lambda meta: meta[1])
        _, _, last_page, self._free_root, main_root = newest
        self.needed = (last_page + 1) * self.page_size
        # Looked up after the header: a writer makes the file longer before it says so there.
        self.size = fstat(self._descriptor).st_size
        for root in (self._free_root, main_root):
            self._check_root(root, last_page)

    def _read_meta(self, index: int) -> tuple[int, int, int, int, int]:
        """Page size, transaction, last page, and the roots of free list and main tree of one of the two headers."""
        data = pread(self._descriptor, _META.size, index and self.page_size)
        if len(data) < _META.size:
            raise self._is_cut_off() if index or data.startswith(bytes(10)) else self._is_foreign()
        number, _, flags, _, magic, format_, _, _, free, main, last_page, transaction = _META.unpack(data)
        if magic != _MAGIC or number != index or not flags & _META_PAGE:
            raise Corrupt(f"{self.path} is damaged: its second header is not one") if index else self._is_foreign()
        if format_ != _FORMAT:
            raise StorageError(f"{self.path} has the LMDB format {format_}, which this version cannot read")
        free_record = _TREE.unpack(free)
        return free_record[0], transaction, last_page, free_record[7], _TREE.unpack(main)[7]

    def _check_root(self, root: int, last_page: int) -> None:
        if root == _NO_PAGE:
            return
        if root > last_page:
            raise Corrupt(f"{self.path} is damaged: a tree begins at page {root} of {last_page + 1}")
        if (root + 1) * self.page_size > self.size:
            raise self._is_cut_off()
        number, _, flags, lower, upper = _PAGE.unpack(pread(self._descriptor, _PAGE.size, root * self.page_size))
        if number != root or flags not in (_BRANCH, _LEAF) or not _PAGE.size <= lower <= upper <= self.page_size:
            raise Corrupt(f"{self.path} is damaged: page {root}, where a tree begins, is not one of its pages")

    def _find_free(self, first: int) -> set[int]:
        """The pages from `first` on that the free list names. Raises ValueError when it is damaged."""
        free: set[int] = set()
        seen: set[int] = set()
        waiting = [] if self._free_root == _NO_PAGE else [self._free_root]
        while waiting:
            root = waiting.pop()
            page = self._read(root * self.page_size, self.page_size)
            number, _, flags, lower, _ = _PAGE.unpack_from(page)
            if number != root or flags not in (_BRANCH, _LEAF) or root in seen:
                raise ValueError
            seen.add(root)
            for place in unpack_from(f"={(lower - _PAGE.size) // 2}H", page, _PAGE.size):
                low, high, node_flags, key_size = _NODE.unpack_from(page, place)
                if flags == _BRANCH:
                    waiting.append(low | high << 16 | node_flags << 32)
                    continue
                length = low | high << 16
                place += _NODE.size + key_size
                pages = page[place : place + length]
                if node_flags & _IN_OVERFLOW:
                    pages = self._read(unpack_from("=Q", page, place)[0] * self.page_size + _PAGE.size, length)
                (count,) = unpack_from("=Q", pages)
                if count > length // 8:
                    raise ValueError
                free.update(number for number in unpack_from(f"={count}Q", pages, 8) if number >= first)
        return free

    def _read(self, start: int, length: int) -> bytes:
        if start + length > self.size:
            raise ValueError
        return pread(self._descriptor, length, start)

    def _is_cut_off(self) -> Corrupt:
        size = fstat(self._descriptor).st_size
        return Corrupt(f"{self.path} was cut off: pages are missing behind its {size} bytes")

    def _is_foreign(self) -> StorageError:
        return StorageError(
            f"{self.path} is not an LMDB file of this kind of machine",
            hint="give the store a folder of its own",
        )
