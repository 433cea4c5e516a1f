"""Whether an LMDB file is built as LMDB would have built it: every page, without the engine, which would trust it.

The verifier that comes with py-lmdb takes an intact file for a damaged one when a long value was replaced by a short one
in the transaction that wrote it: LMDB then leaves the value in more pages than it needs.
"""

from itertools import pairwise
from struct import Struct, unpack_from
from sys import byteorder

from llmspell.errors import Corrupt, StorageError
from llmspell.storage.datafile import BRANCH, FIRST_PAGE, LEAF, NO_PAGE, OVERFLOW, PAGE, DataFile
from llmspell.storage.store import MAX_KEY_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from llmspell.storage.datafile import TreeRecord

    Bound = bytes | int | None
    Report = Callable[[str], None]

_NODE = Struct("=HHHH")
"""Length of the value, or number of a page, in two parts; flags; length of the key. The key follows, then the value."""
_IN_OVERFLOW = 0x01
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


class _Node:
    """An entry of a page: a key, and where its value is or which page is below it. `key` is None where it has no say."""

    __slots__ = ("flags", "key", "length", "place")

    def __init__(self, key: "Bound", flags: int, length: int, place: int) -> None:
        self.key = key
        self.flags = flags
        self.length = length
        self.place = place


class _Structure:
    """One look at a file. `report` is told what is wrong, and the walk goes on behind it."""

    def __init__(self, data: DataFile, report: "Report") -> None:
        self._data = data
        self._tell = report
        self._told = 0
        # A page behind the end of the file cannot be in use, whatever the header says about their number.
        self._used = bytearray(min(data.page_count, data.size // data.page_size))

    def verify(self) -> None:
        free = bytearray(self._data.page_count)
        for page in self.find_free():
            if free[page]:
                self._report(f"page {page} is free twice")
            free[page] = 1
        for _ in self._walk(self._data.main, "the store", numbers=False):
            pass
        lost = 0
        used = self._used.ljust(len(free), b"\0")
        for page in range(FIRST_PAGE, len(free)):
            if free[page] and used[page]:
                self._report(f"page {page} is free and in use")
            lost += not free[page] and not used[page]
        if lost and not self._told:
            self._report(f"{lost} pages are neither free nor in use")

    def find_free(self) -> "Iterator[int]":
        """The pages that the free list names."""
        for pages in self._walk(self._data.free, "the free list", numbers=True):
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

    def _walk(self, tree: "TreeRecord", name: str, *, numbers: bool) -> "Iterator[bytes]":
        """Go through a tree whose keys are `numbers` or bytes. Gives the values, which are left out for bytes."""
        waiting: list[tuple[int, int, Bound, Bound]] = []
        if tree.root != NO_PAGE:
            waiting.append((tree.root, 1, None, None))
        entries, pages = 0, 0
        while waiting:
            page, depth, low, high = waiting.pop()
            if depth > tree.depth or not self._use(page, 1, name):
                continue
            pages += 1
            content = self._data.read(page, 0, self._data.page_size)
            kind = LEAF if depth == tree.depth else BRANCH
            nodes = self._parse(page, kind, content, numbers=numbers)
            self._check_order(page, nodes, low, high)
            if kind == BRANCH:
                bounds = [low, *(node.key for node in nodes[1:]), high]
                for index, node in enumerate(nodes):
                    waiting.append((node.length | node.flags << 32, depth + 1, bounds[index], bounds[index + 1]))
                continue
            entries += len(nodes)
            for node in nodes:
                if node.flags & _IN_OVERFLOW:
                    extent = self._use_extent(page, node, content, name)
                    pages += extent[1]
                    yield self._data.read(extent[0], PAGE.size, node.length) if numbers and extent[1] else b""
                else:
                    yield content[node.place : node.place + node.length] if numbers else b""
        if (entries, pages) != (tree.entries, tree.pages) and not self._told:
            self._report(f"{name} has {entries} entries on {pages} pages, not {tree.entries} on {tree.pages}")

    def _use(self, page: int, count: int, name: str) -> bool:
        """Note that these pages are in use; False when they cannot be."""
        if not FIRST_PAGE <= page <= page + count <= len(self._used):
            self._report(f"{name} leads to page {page}, which there is not")
            return False
        for number in range(page, page + count):
            if self._used[number]:
                self._report(f"page {number} is in use twice")
                return False
            self._used[number] = 1
        return True

    def _parse(self, page: int, kind: int, content: bytes, *, numbers: bool) -> list[_Node]:
        """The entries of a page, or as many as make sense."""
        nodes: list[_Node] = []
        number, _, found, lower, upper = PAGE.unpack_from(content)
        if number != page or found != kind or not PAGE.size <= lower <= upper <= len(content) or lower % 2:
            self._report(f"page {page} is damaged: its header does not fit")
            return nodes
        for index, place in enumerate(unpack_from(f"={(lower - PAGE.size) // 2}H", content, PAGE.size)):
            if not upper <= place <= len(content) - _NODE.size:
                self._report(f"page {page} is damaged: entry {index} is outside of it")
                return nodes
            low, high, flags, key_size = _NODE.unpack_from(content, place)
            length = low | high << 16
            value = place + _NODE.size + key_size
            end = value if kind == BRANCH else value + (8 if flags & _IN_OVERFLOW else length)
            if end > len(content) or (kind == LEAF and flags & ~_IN_OVERFLOW):
                self._report(f"page {page} is damaged: entry {index} is not one")
                return nodes
            key: Bound = None
            # The first key of a branch has no say: everything below the second one is there.
            if kind == LEAF or index:
                if not 0 < key_size <= MAX_KEY_BYTES or (numbers and key_size != 8):
                    self._report(f"page {page} is damaged: the key of entry {index} has {key_size} bytes")
                    return nodes
                key = content[value - key_size : value]
                if numbers:
                    key = int.from_bytes(key, byteorder)
            nodes.append(_Node(key, flags, length, value))
        if not nodes:
            self._report(f"page {page} is empty")
        return nodes

    def _check_order(self, page: int, nodes: list[_Node], low: "Bound", high: "Bound") -> None:
        keys: list[Any] = [node.key for node in nodes if node.key is not None]
        if (
            any(left >= right for left, right in pairwise(keys))
            or (keys and low is not None and keys[0] < low)
            or (keys and high is not None and keys[-1] >= high)
        ):
            self._report(f"page {page} is damaged: its keys are out of order")

    def _use_extent(self, page: int, node: _Node, content: bytes, name: str) -> tuple[int, int]:
        """The first page and the number of pages of a long value; no pages when there is something wrong with it."""
        first = int.from_bytes(content[node.place : node.place + 8], byteorder)
        header = self._data.read(first, 0, PAGE.size) if first < len(self._used) else b""
        if len(header) == PAGE.size:
            number, _, kind, low, high = PAGE.unpack(header)
            count = low | high << 16
            if number == first and kind == OVERFLOW and count * self._data.page_size >= PAGE.size + node.length:
                return first, count if self._use(first, count, name) else 0
        self._report(f"page {page} is damaged: a long value is not where it says")
        return first, 0
