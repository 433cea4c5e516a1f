"""Restoring: making a store hold what a backup holds, all of it or nothing.

Into a store in use it is one transaction of that store. The other way, to fill a new file and put it in the place of the
old one, is faster, but other processes have the old one open and would go on writing into it. Only what differs is
written. A new store is filled aside and put in its place by renaming its folder.
"""

import os
import shutil
from collections.abc import Iterator
from itertools import chain, islice

from llmspell.backup.content import Content, Loss, name_key
from llmspell.backup.folder import explain
from llmspell.backup.manifest import Manifest
from llmspell.backup.pack import Progress, silent
from llmspell.backup.snapshot import everything
from llmspell.errors import BackupError, Corrupt
from llmspell.state import journal
from llmspell.state.entry import DELETE, SAVE
from llmspell.state.manager import StateManager
from llmspell.state.scope import Scope
from llmspell.state.transaction import Head, Transaction
from llmspell.storage import keys, record
from llmspell.storage.folder import sync_folder
from llmspell.storage.format import FORMAT_KEY, check_format
from llmspell.storage.record import EXPIRY_OFFSET, HEADER_BYTES, NO_EXPIRY, Record
from llmspell.storage.store import ReadTransaction, Store, WriteTransaction

MAX_LISTED = 200_000
"""Of a restore that changed more values than this the journal keeps no list, and begins anew after it."""
_COMMIT_BYTES = 16 << 20
_FRESH = ".restoring"

Difference = tuple[bytes, bytes | None, bytes | None]
"""A key, what the store has and what the backup has."""


class Outcome:
    """What a restore did, or would do: values of the state `restored`, and `removed` because they came later.

    `losses` are what could not be read; values in their place were left as they were.
    """

    def __init__(self) -> None:
        self.restored = 0
        self.removed = 0
        self.losses: list[Loss] = []


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
    outcome = Outcome()
    entries = content.entries(losses=outcome.losses if salvage else None, progress=progress)
    if dry_run:
        with store.read() as old:
            for _ in _compare(_present(old), entries, outcome):
                pass
        return outcome
    with store.write(timeout=manager.busy_seconds) as txn, store.read() as old:
        is_new = _is_empty(old)
        changed: dict[bytes, int] = {}
        for key, _, value in _compare(iter(()) if is_new else _present(old), entries, outcome):
            _apply(txn, key, value)
            if not is_new and key.startswith(keys.STATE) and len(changed) <= MAX_LISTED:
                changed[key] = DELETE if value is None else SAVE
        _drop_stale_expiry(txn, old)
        check_format(txn.get(FORMAT_KEY), f"the backup {content.manifest.id}")
        head = _restored_head(txn, content.manifest)
        if not is_new:
            before = _readable_head(old)
            head.version = max(before.version, head.version) + 1
            head.at = max(manager.clock(), before.at, head.at)
            if manager.journal_policy is None or len(changed) > MAX_LISTED:
                head.floor = head.version
            else:
                journal.write_commit(txn, head.version, head.at, manager.correlation_id, changed)
        if head.version:
            head.write(txn)
        if outcome.losses:
            txn.put(keys.EPOCH, os.urandom(16))
    manager.sweep_due = 0
    return outcome


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
            yield from _compare(
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


def fill(store: Store, content: Content, *, salvage: bool = False, progress: Progress = silent) -> Outcome:
    """Put everything into an empty store of any kind, in many commits."""
    outcome = Outcome()
    entries = content.entries(losses=outcome.losses if salvage else None, progress=progress)
    pairs = ((key, value) for key, _, value in _compare(iter(()), entries, outcome))
    while _fill_some(store, pairs):
        pass
    with store.write() as txn:
        check_format(txn.get(FORMAT_KEY), f"the backup {content.manifest.id}")
        head = _restored_head(txn, content.manifest)
        if head.version:
            head.write(txn)
        if outcome.losses:
            txn.put(keys.EPOCH, os.urandom(16))
    store.sync()
    return outcome


def restore_path(path: str, content: Content, *, salvage: bool = False, progress: Progress = silent) -> Outcome:
    """Make a new store on disk in the folder `path`, which must not exist or be empty. It appears complete or not at all."""
    from llmspell.storage.lmdb import LmdbStore

    path = os.path.abspath(path)
    try:
        if os.path.lexists(path) and not (os.path.isdir(path) and not os.listdir(path)):
            raise BackupError(f"there is something at {path} already", hint="name a folder that does not exist")
        fresh = path + _FRESH
        shutil.rmtree(fresh, ignore_errors=True)
        try:
            with LmdbStore(fresh, sync=False) as store:
                outcome = fill(store, content, salvage=salvage, progress=progress)
            os.rename(fresh, path)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        sync_folder(os.path.dirname(path))
    except OSError as error:
        raise explain(error, path) from error
    return outcome


def count(content: Content, *, salvage: bool = False, progress: Progress = silent) -> Outcome:
    """What filling an empty store would do."""
    outcome = Outcome()
    entries = content.entries(losses=outcome.losses if salvage else None, progress=progress)
    for _ in _compare(iter(()), entries, outcome):
        pass
    return outcome


def is_empty(store: Store) -> bool:
    """Whether nothing was ever written to a store."""
    with store.read() as txn:
        return _is_empty(txn)


def rehearse(content: Content, progress: Progress = silent) -> list[str]:
    """Restore into a scratch store, compare every entry and check the store; what is wrong, as sentences."""
    from tempfile import TemporaryDirectory

    from llmspell.state.check import examine, examine_index
    from llmspell.storage.check import check
    from llmspell.storage.lmdb import LmdbStore

    with TemporaryDirectory(prefix="llmspell-restore-test-") as scratch, LmdbStore(scratch, sync=False) as store:
        if content.manifest.scopes is None:
            fill(store, content, progress=progress)
        else:
            with store.write() as txn:
                for key, value in content.entries(progress=progress):
                    _apply(txn, key, value)
        problems = check(store, examine).problems
        with store.read() as made:
            problems.extend(examine_index(made))
            for key, _, _ in _compare(_present(made), content.entries(progress=progress), Outcome()):
                if key != FORMAT_KEY or content.manifest.scopes is None:
                    problems.append(f"{name_key(key)} differs after restoring")
    return problems


def _is_empty(txn: ReadTransaction) -> bool:
    return all(key == FORMAT_KEY for key in islice(txn.scan_keys(b""), 2))


def _compare(
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


def _present(txn: ReadTransaction) -> Iterator[tuple[bytes, bytes]]:
    return chain.from_iterable(everything(txn))  # type: ignore[arg-type]


def _apply(txn: WriteTransaction, key: bytes, value: bytes | None) -> None:
    if value is None:
        txn.delete(key)
        return
    txn.put(key, value)
    if key[:1] == keys.STATE and value[EXPIRY_OFFSET:HEADER_BYTES] != NO_EXPIRY:
        txn.put(keys.expiry_key(int.from_bytes(value[EXPIRY_OFFSET:HEADER_BYTES], "little"), key), b"")


def _fill_some(store: Store, pairs: Iterator[tuple[bytes, bytes | None]]) -> bool:
    """One commit's worth; whether there may be more."""
    size = 0
    with store.write() as txn:
        for key, value in pairs:
            _apply(txn, key, value)
            size += len(value or b"")
            if size > _COMMIT_BYTES:
                return True
    return False


def _drop_stale_expiry(txn: WriteTransaction, old: ReadTransaction) -> None:
    """Remove the index entries of values that are gone or expire at another time now."""
    for entry in old.scan_keys(keys.EXPIRY, keys.next_space(keys.EXPIRY)):
        value = txn.get(keys.STATE + entry[9:])
        if value is None or value[EXPIRY_OFFSET:HEADER_BYTES] != entry[8:0:-1]:
            txn.delete(entry)


def _restored_head(txn: ReadTransaction, manifest: Manifest) -> Head:
    """Where the store stood; without the chunk that says it, the journal begins anew."""
    head = Head.read(txn)
    if head.version < manifest.version:
        return Head(manifest.version, manifest.created_at, manifest.version)
    return head


def _readable_head(txn: ReadTransaction) -> Head:
    """Where the store stands; the beginning, when that is damaged."""
    try:
        return Head.read(txn)
    except Corrupt:
        return Head()
