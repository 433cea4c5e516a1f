"""Whether an LMDB file is built as LMDB would have built it: every page, without the engine, which would trust it.

The verifier that comes with py-lmdb takes an intact file for a damaged one when a long value was replaced by a short one
in the transaction that wrote it: LMDB then leaves the value in more pages than it needs.
"""

from struct import error, unpack_from
from sys import byteorder

from llmspell.errors import Corrupt, StorageError
from llmspell.storage.datafile import BRANCH, FIRST_PAGE, LEAF, NO_PAGE, OVERFLOW, PAGE, DataFile
from llmspell.storage.store import MAX_KEY_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmspell.storage.datafile import TreeRecord

    Bound = bytes | int | None
    Report = Callable[[str], None]

_NODE_BYTES = 8
_IN_OVERFLOW = 0x01
_MAX_DEPTH = 32
_MAX_PROBLEMS = 200


def find_damage(path: str) -> list[str]:
    """What is wrong with the data file at `path`, as sentences; nothing when it is sound.

    Nobody may write meanwhile: what is being changed looks damaged. At most about 200 problems are listed.
    """
    problems: list[str] = []
    try:
        with DataFile(path) as data:
            check_missing_pages(data)
            _Structure(data, problems.append).verify()
    except _TooMany:
        problems.append("there is more damage")
    except (Corrupt, StorageError) as problem:
        problems.append(problem.message)
    return problems


def check_missing_pages(data: DataFile) -> None:
    """Raise Corrupt when pages are missing at the end, unless all of these are free. Nobody may write meanwhile.

    LMDB does not write pages that were taken and given back in one transaction, so an intact file can be short.
    """
    if not data.is_short():
        return

    def refuse(_: str) -> None:
        raise data.is_cut_off()

    first = data.size // data.page_size
    missing = {page for page in _Structure(data, refuse).find_free() if page >= first}
    if len(missing) < data.page_count - first:
        raise data.is_cut_off()


class _TooMany(Exception):
    """Enough problems were found."""


class _Structure:
    """One look at a file. `report` is told what is wrong, and the walk goes on behind it."""

    def __init__(self, data: DataFile, report: "Report") -> None:
        self._data = data
        self._tell = report
        self._told = 0
        self._used: set[int] = set()

    def verify(self) -> None:
        free: set[int] = set()
        for page in self.find_free():
            if page in free:
                self._report(f"page {page} is free twice")
            free.add(page)
        for _ in self._walk(self._data.main, "the store", numbers=False):
            pass
        for page in sorted(free & self._used)[:_MAX_PROBLEMS]:
            self._report(f"page {page} is free and in use")
        lost = self._data.page_count - FIRST_PAGE - len(free | self._used)
        if lost and not self._told:
            self._report(f"{lost} pages are neither free nor in use")

    def find_free(self) -> "Iterator[int]":
        """The pages that the free list names."""
        for _, pages in self._walk(self._data.free, "the free list", numbers=True):
            count = int.from_bytes(pages[:8], byteorder)
            if len(pages) < 8 or count != len(pages) // 8 - 1:
                self._report("an entry of the free list is damaged")
                continue
            for page in unpack_from(f"={count}Q", pages, 8):
                if FIRST_PAGE <= page < self._data.page_count:
                    yield page
                else:
                    self._report(f"the free list names page {page}, which there is not")

    def _report(self, problem: str) -> None:
        if self._told == _MAX_PROBLEMS:
            raise _TooMany
        self._told += 1
        self._tell(problem)

    def _walk(self, tree: "TreeRecord", name: str, *, numbers: bool) -> "Iterator[tuple[bytes, bytes]]":
        """The keys in the leaves of a tree, which are `numbers` or bytes; the values only when they are numbers."""
        if tree.root == NO_PAGE:
            return
        entries = 0
        before = len(self._used)
        waiting: list[tuple[int, int, Bound, Bound]] = [(tree.root, 1, None, None)]
        while waiting:
            page, depth, low, high = waiting.pop()
            if not self._use(page, 1, name) or depth > _MAX_DEPTH:
                continue
            content = self._data.read(page, 0, self._data.page_size)
            kind = LEAF if depth == tree.depth else BRANCH
            nodes = self._parse(page, kind, content, name, numbers=numbers)
            self._check_order(page, [node[0] for node in nodes[kind == BRANCH :]], low, high, name)
            if kind == LEAF:
                entries += len(nodes)
                for key, flags, place, length in nodes:
                    yield b"", self._read_value(page, content, flags, place, length, name, wanted=numbers)
                continue
            bounds = [low, *(node[0] for node in nodes[1:]), high]
            for index, (_, flags, place, length) in enumerate(nodes):
                waiting.append((length | flags << 32, depth + 1, bounds[index], bounds[index + 1]))
