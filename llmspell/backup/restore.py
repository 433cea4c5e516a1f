"""Restoring: making a store hold what a backup holds, all of it or nothing.

Into a store in use it is one transaction of that store. The other way, to fill a new file and put it in the place of the
old one, is faster, but other processes have the old one open and would go on writing into it. Only what differs is
written. An empty store, and a new one, is filled (`backup.fill`).
"""

from collections.abc import Iterator

from llmspell.backup.content import Content
from llmspell.backup.fill import Outcome, expiry_of, fill, finish, is_empty
from llmspell.backup.pack import Progress, silent
from llmspell.backup.snapshot import everything, relaxing
from llmspell.errors import Corrupt
from llmspell.state import journal
from llmspell.state.entry import DELETE, SAVE
from llmspell.state.manager import StateManager
from llmspell.state.scope import Scope
from llmspell.state.transaction import Head, Transaction
from llmspell.storage import keys, record
from llmspell.storage.record import EXPIRY_OFFSET, HEADER_BYTES, Record
from llmspell.storage.store import ReadTransaction, Store, WriteTransaction

MAX_LISTED = 200_000
"""Of a restore that changed more values than this the journal keeps no list, and begins anew after it."""

Difference = tuple[bytes, bytes | None, bytes | None]
"""A key, what the store has and what the backup has."""


def restore_store(
    manager: StateManager,
    content: Content,
    *,
    salvage: bool = False,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Outcome:
    """Make the manager's store what it was: state, history, journal and all other spaces.

    The version goes on above all that either knew, and the journal gets one entry with the values that changed, so that
    who follows the changes learns of them. An empty store becomes the very same.
    """
    # A grouped store would hold everything in memory.
    store: Store = getattr(manager.store, "base", manager.store)
    manager.store.sync()
    progress = relaxing(store, progress)
    if dry_run:
        outcome = Outcome()
        with store.read() as old:
            for _ in compare(present(old), _entries(content, outcome, salvage=salvage, progress=progress), outcome):
                pass
        return outcome
    if is_empty(store):
        outcome = fill(store, content, salvage=salvage, progress=progress, timeout=manager.busy_seconds)
    else:
        outcome = _replace(manager, store, content, salvage=salvage, progress=progress)
    manager.sweep_due = 0
    return outcome


def _replace(manager: StateManager, store: Store, content: Content, *, salvage: bool, progress: Progress) -> Outcome:
    """In one transaction, what differs."""
    outcome = Outcome()
    entries = _entries(content, outcome, salvage=salvage, progress=progress)
    with store.write(timeout=manager.busy_seconds) as txn, store.read() as old:
        changed: dict[bytes, int] = {}
        for key, _, value in compare(present(old), entries, outcome):
            _apply(txn, key, value)
            if key.startswith(keys.STATE) and len(changed) <= MAX_LISTED:
                changed[key] = DELETE if value is None else SAVE
        _drop_stale_expiry(txn, old)
        head = finish(txn, content.manifest, outcome)
        before = _readable_head(old)
        head.version = max(before.version, head.version) + 1
        head.at = max(manager.clock(), before.at, head.at)
        if manager.journal_policy is None or len(changed) > MAX_LISTED:
            head.floor = head.version
        else:
            journal.write_commit(txn, head.version, head.at, manager.correlation_id, changed)
        head.write(txn)
    return outcome


def _entries(content: Content, outcome: Outcome, *, salvage: bool, progress: Progress) -> Iterator[tuple[bytes, bytes]]:
    return content.entries(losses=outcome.losses if salvage else None, progress=progress)


def restore_scopes(
    manager: StateManager, content: Content, scopes: list[str], *, salvage: bool = False, dry_run: bool = False,
    progress: Progress = silent,
) -> Outcome:  # fmt: skip
    """Put the values of some scopes back, in one commit like any other: the history goes on, and shows it.

    Value, class, schema version, expiry and time of creation are those of the backup.
    """
    outcome = Outcome()
    losses = outcome.losses if salvage else None
    manager.store.sync()

    def differences(old: ReadTransaction) -> Iterator[Difference]:
        for prefix in sorted(Scope.parse(scope).prefix for scope in scopes):
            end = prefix[:-1] + b"\1"
            yield from compare(
                old.scan(prefix, end), content.entries(prefix, end, losses=losses, progress=progress), outcome
            )

    if dry_run:
        with manager.store.read() as old:
            for _ in differences(old):
                pass
        return outcome
    with Transaction(manager) as transaction, manager.store.read() as old:
        for key, present, value in differences(old):
            if present is not None and record.verify(key, present) is not None:
                transaction.main.delete(key)  # a damaged value cannot become history
                present = None
            if value is not None:
                transaction.reinstate(key, Record(key, value))
            elif present is not None:
                transaction.take(key, present, DELETE)
    return outcome


def compare(
    present: Iterator[tuple[bytes, bytes]], saved: Iterator[tuple[bytes, bytes]], outcome: Outcome
) -> Iterator[Difference]:
    """What differs between two runs of entries in key order; counts the values of the state into `outcome`."""
    old = next(present, None)
    for key, value in saved:
        while old is not None and old[0] < key:
            if _goes(old[0], outcome):
                yield old[0], old[1], None
            old = next(present, None)
        if key[:1] == keys.STATE:
            outcome.restored += 1
        if old is not None and old[0] == key:
            if old[1] != value:
                yield key, old[1], value
            old = next(present, None)
        else:
            yield key, None, value
    while old is not None:
        if _goes(old[0], outcome):
            yield old[0], old[1], None
        old = next(present, None)


def _goes(key: bytes, outcome: Outcome) -> bool:
    """Whether a key that the backup does not have is removed: not when what it had there is lost."""
    if any(loss.first <= key <= loss.last for loss in outcome.losses):
        return False
    outcome.removed += key[:1] == keys.STATE
    return True


def present(txn: ReadTransaction) -> Iterator[tuple[bytes, bytes]]:
    """What a store has of that which goes into backups, in key order."""
    for entries, _ in everything(txn):
        yield from entries  # type: ignore[misc]


def _apply(txn: WriteTransaction, key: bytes, value: bytes | None) -> None:
    if value is None:
        txn.delete(key)
        return
    txn.put(key, value)
    if key[:1] == keys.STATE and (expiry := expiry_of(key, value)) is not None:
        txn.put(expiry, b"")


def _drop_stale_expiry(txn: WriteTransaction, old: ReadTransaction) -> None:
    """Remove the index entries of values that are gone or expire at another time now."""
    for entry in old.scan_keys(keys.EXPIRY, keys.next_space(keys.EXPIRY)):
        value = txn.get(keys.STATE + entry[9:])
        if value is None or value[EXPIRY_OFFSET:HEADER_BYTES] != entry[8:0:-1]:
            txn.delete(entry)


def _readable_head(txn: ReadTransaction) -> Head:
    """Where the store stands; the beginning, when that is damaged."""
    try:
        return Head.read(txn)
    except Corrupt:
        return Head()
