"""`check`: whether a store is sound. Runs after every test that uses the `store` fixture, and as `llmspell check`."""

from zlib import crc32

from llmspell.errors import Corrupt, LlmspellError
from llmspell.storage.format import FORMAT_KEY, check_format
from llmspell.storage.store import MAX_KEY_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmspell.storage.store import ReadTransaction, Store

    Examine = Callable[[bytes, bytes], str | None]

_MAX_PROBLEMS = 1000


class Report:
    """What a check found: `entries` and `size` (bytes of keys and values) read, and `problems`, as sentences.

    At most 1000 problems are kept; `problem_count` counts all.
    """

    __slots__ = ("entries", "problem_count", "problems", "size")

    def __init__(self) -> None:
        self.entries = 0
        self.size = 0
        self.problems: list[str] = []
        self.problem_count = 0

    @property
    def is_sound(self) -> bool:
        return self.problem_count == 0

    def add(self, problem: str) -> None:
        self.problem_count += 1
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(problem)


def check(store: "Store", examine: "Examine | None" = None) -> Report:
    """Read everything in every way that there is, from one snapshot, and compare.

    First the structure of the file; when it is damaged, nothing more is read through the engine, which would trust it.
    Then every pair is read by scanning and by its key, and the keys once more backwards. `examine` says what is wrong with
    a pair, or None. Nothing is changed, and nobody is kept from writing by a sound store.
    """
    report = Report()
    for problem in store.verify():
        report.add(problem)
    if report.problems:
        return report
    try:
        with store.read() as transaction:
            _check_format(transaction, report)
            forwards = _walk(transaction, examine, report)
            if forwards != _walk_back(transaction):
                report.add("reading the keys backwards does not give the keys that reading them forwards gives")
    except LlmspellError as error:
        report.add(error.message)
    return report


def _check_format(transaction: "ReadTransaction", report: Report) -> None:
    try:
        check_format(transaction.get(FORMAT_KEY), "the store")
    except LlmspellError as error:
        report.add(error.message)


def _walk(transaction: "ReadTransaction", examine: "Examine | None", report: Report) -> tuple[int, int]:
    """Check every pair. Gives a count and a sum of the keys."""
    last = b""
    total = 0
    for key, value in _pairs(transaction):
        report.entries += 1
        report.size += len(key) + (0 if isinstance(value, Corrupt) else len(value))
        total += crc32(key)
        if key <= last or len(key) > MAX_KEY_BYTES:
            report.add(f"the key {key!r} is out of order, empty or too long")
        last = key
        if isinstance(value, Corrupt):
            told = examine(key, b"") if examine is not None else None
            report.add(told or value.message)
            continue
        if transaction.get(key) != value:
            report.add(f"the key {key!r} has another value when it is looked up than when it is scanned")
        problem = examine(key, value) if examine is not None else None
        if problem is not None:
            report.add(problem)
    return report.entries, total


def _pairs(transaction: "ReadTransaction") -> "Iterator[tuple[bytes, bytes | Corrupt]]":
    """What a scan of everything gives, and the error for a value that the back end cannot put together."""
    start = b""
    while True:
        try:
            for key, value in transaction.scan(start):
                yield key, value
                start = key + b"\0"
            return
        except Corrupt as error:
            broken = next(transaction.scan_keys(start), None)
            if broken is None or not _is_broken(transaction, broken):
                raise
            problem = error
        yield broken, problem
        start = broken + b"\0"


def _is_broken(transaction: "ReadTransaction", key: bytes) -> bool:
    try:
        transaction.get(key)
    except Corrupt:
        return True
    return False


def _walk_back(transaction: "ReadTransaction") -> tuple[int, int]:
    """Count and sum of the keys, read from the last to the first."""
    count = total = 0
    for key in transaction.scan_keys(b"", reverse=True):
        count += 1
        total += crc32(key)
    return count, total
