"""What of a store goes into a backup: every space but the derived ones, as one snapshot shows it.

An incremental backup takes the changes of the state, its history and its journal from the journal, and those of pieces from
their keys. Other spaces are read as a whole, and what was stored before is found by its content.
"""

from collections.abc import Iterator

from llmspell.backup.chunk import Entry
from llmspell.backup.manifest import Manifest
from llmspell.backup.pack import Progress, Section
from llmspell.backup.seal import checksum
from llmspell.state import journal
from llmspell.state.scope import Scope
from llmspell.state.transaction import Head
from llmspell.storage import keys
from llmspell.storage.store import ReadTransaction, Store

JOURNALED = (keys.HISTORY, keys.JOURNAL, keys.STATE)
"""The spaces whose changes the journal tells."""

TRACKED = (*JOURNALED, keys.PIECES)
"""The spaces whose changes are found without reading them: of pieces the keys tell (`backup.pieces`)."""

_RELAX_BYTES = 16 << 20
MAX_CHANGES = 200_000
"""With more changed keys than this, reading everything costs no more, and holds less in memory."""


class Position:
    """Where a store stands: what a backup remembers, to know later whether the journal tells all that came after it."""

    __slots__ = ("epoch", "floor", "mark", "trim", "version")

    def __init__(self, txn: ReadTransaction) -> None:
        head = Head.read(txn)
        self.version = head.version
        self.floor = head.floor
        self.mark = mark_of(txn, head.version)
        epoch = txn.get(keys.EPOCH)
        self.epoch = "" if epoch is None else checksum(epoch).hex()
        first = next(txn.scan_keys(keys.JOURNAL, keys.next_space(keys.JOURNAL)), None)
        self.trim = head.version + 1 if first is None else int.from_bytes(first[1:9], "big")
        """The version before which neither journal nor history hold anything, but for what was kept before the journal."""


def mark_of(txn: ReadTransaction, version: int) -> str:
    """What tells the commit of a version from another one of the same number: the checksum of its journal entry."""
    entry = txn.get(keys.journal_key(version))
    return "" if entry is None else checksum(entry).hex()


def obstacle(txn: ReadTransaction, now: Position, parent: Manifest, *, is_journaled: bool) -> str:
    """Why the journal cannot tell what changed since the parent, or ""."""
    if not is_journaled:
        return "the journal is off"
    if parent.epoch != now.epoch:
        return "the store was repaired or restored with losses"
    if parent.version > now.version or mark_of(txn, parent.version) != parent.mark:
        if now.floor >= parent.version:
            return "the journal no longer reaches back to it"
        return "the store is not the one it was made of, or was put back since"
    if now.floor > parent.version or (parent.version and not parent.mark):
        return "the journal no longer reaches back to it"
    first = next(txn.scan_keys(keys.JOURNAL, keys.next_space(keys.JOURNAL)), b"")
    if int.from_bytes(first[9:13], "big"):
        return "the journal is just being shortened"
    if len(changed_keys(txn, parent.version, now.version)) > MAX_CHANGES:
        return f"more than {MAX_CHANGES} keys have changed"
    return ""


def relaxing(store: Store, progress: Progress) -> Progress:
    """`progress` for who reads all of a store: meanwhile it lets go of the memory that reading fills."""
    done = 0

    def tell(bytes_: int) -> None:
        nonlocal done
        done += bytes_
        if done >= _RELAX_BYTES:
            done = 0
            store.relax()
        progress(bytes_)

    return tell


def everything(txn: ReadTransaction) -> Iterator[Section]:
    """All entries in key order, space by space, so that no chunk holds those of two."""
    yield from _spaces(txn, ())


def untracked(txn: ReadTransaction) -> Iterator[Section]:
    """All entries of the spaces that must be read as a whole."""
    yield from _spaces(txn, TRACKED)


def of_scopes(txn: ReadTransaction, scopes: list[str]) -> Iterator[Section]:
    """The values of some scopes, without their history."""
    for prefix in sorted(Scope.parse(scope).prefix for scope in scopes):
        yield txn.scan(prefix, prefix[:-1] + b"\1"), False


def changes(txn: ReadTransaction, since: int, until: int, gone: list[bytes]) -> Iterator[Section]:
    """What the commits after one version and up to another have done to the tracked spaces; `gone` are pieces.

    Each part becomes chunks of its own: those of what has gone hold nothing else, which is how they are told.
    """
    changed = sorted(changed_keys(txn, since, until))
    parts: list[Iterator[Entry]] = [
        ((key, None) for key in gone),
        txn.scan(keys.PIECES + (since + 1).to_bytes(8, "big"), keys.next_space(keys.PIECES)),
        _history(txn, changed, since),
        txn.scan(keys.journal_key(since + 1), keys.next_space(keys.JOURNAL)),
        ((key, txn.get(key)) for key in changed),
    ]
    yield from ((part, True) for part in parts)


def changed_keys(txn: ReadTransaction, since: int, until: int) -> set[bytes]:
    """The record keys that changed in these versions; reading ends once there are more than `MAX_CHANGES`."""
    changed: set[bytes] = set()
    for key, value in txn.scan(keys.journal_key(since + 1), keys.journal_key(until + 1)):
        changed.update(journal.Part(key, value).keys)
        if len(changed) > MAX_CHANGES:
            break
    return changed


def _history(txn: ReadTransaction, changed: list[bytes], since: int) -> Iterator[Entry]:
    for key in changed:
        # What was thinned out is not listed: the mark says below which version it went.
        mark = keys.history_key(key, 0)
        value = txn.get(mark)
        if value is not None:
            yield mark, value
        yield from txn.scan(keys.history_key(key, since + 1), keys.history_end(key))


def _spaces(txn: ReadTransaction, without: tuple[bytes, ...]) -> Iterator[Section]:
    position: bytes | None = b"\0"
    while position is not None and (key := next(txn.scan_keys(position), None)) is not None:
        space = key[:1]
        position = keys.next_space(space) if space < b"\xff" else None
        if space not in keys.DERIVED and space not in without:
            yield txn.scan(space, position), space not in TRACKED
