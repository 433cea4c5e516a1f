"""Filling: putting all that a backup holds into an empty store, or into a new one at a path."""

import os
import shutil
from collections.abc import Iterator
from itertools import islice

from llmspell.backup.content import Content, Loss
from llmspell.backup.folder import explain
from llmspell.backup.manifest import Manifest
from llmspell.backup.pack import Progress, silent
from llmspell.errors import BackupError
from llmspell.state.transaction import Head
from llmspell.storage import keys
from llmspell.storage.folder import sync_folder
from llmspell.storage.format import FORMAT_KEY, check_format
from llmspell.storage.record import EXPIRY_OFFSET, HEADER_BYTES, NO_EXPIRY
from llmspell.storage.store import Store, WriteTransaction

_FRESH = ".restoring"
_INDEXED_AT_ONCE = 50_000

Pairs = list[tuple[bytes, bytes]]


class Outcome:
    """What a restore did, or would do: values of the state `restored`, and `removed` because they came later.

    `losses` are what could not be read; values in their place were left as they were.
    """

    def __init__(self) -> None:
        self.restored = 0
        self.removed = 0
        self.losses: list[Loss] = []


def fill(
    store: Store, content: Content, *, salvage: bool = False, progress: Progress = silent, timeout: float | None = None
) -> Outcome:
    """Put everything into an empty store of any kind: it becomes the very same, or stays empty."""
    if not is_empty(store):
        raise BackupError("the store to restore into is not empty", hint="give one that was never written to")
    outcome = Outcome()
    expires = False
    with store.fill(timeout=timeout) as txn:
        for run in _runs(content, outcome, salvage=salvage, progress=progress):
            txn.load(run)
            expires = expires or any(map(_expires, _records(run)))
        if expires:
            _index_expiry(txn)
        finish(txn, content.manifest, outcome)
    store.sync()
    return outcome


def fill_path(path: str, content: Content, *, salvage: bool = False, progress: Progress = silent) -> Outcome:
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
    for _ in _runs(content, outcome, salvage=salvage, progress=progress):
        pass
    return outcome


def is_empty(store: Store) -> bool:
    """Whether nothing was ever written to a store."""
    with store.read() as txn:
        return all(key == FORMAT_KEY for key in islice(txn.scan_keys(b""), 2))


def finish(txn: WriteTransaction, manifest: Manifest, outcome: Outcome) -> Head:
    """Check the store's format when all is in it, and end its journal where something is missing; where it stands."""
    check_format(txn.get(FORMAT_KEY), f"the backup {manifest.id}")
    head = Head.read(txn)
    if head.version < manifest.version:
        # The chunk that says it is lost: the journal begins anew.
        head = Head(manifest.version, manifest.created_at, manifest.version)
        head.write(txn)
    if outcome.losses:
        txn.put(keys.EPOCH, os.urandom(16))
    return head


def expiry_of(key: bytes, value: bytes) -> bytes | None:
    """The key that the index of expiry times has for a record, or None when it does not expire."""
    told = value[EXPIRY_OFFSET:HEADER_BYTES]
    return None if told == NO_EXPIRY else keys.expiry_key(int.from_bytes(told, "little"), key)


def _runs(content: Content, outcome: Outcome, *, salvage: bool, progress: Progress) -> Iterator[Pairs]:
    """All entries in lists, the values among them counted into `outcome`."""
    for run in content.runs(losses=outcome.losses if salvage else None, progress=progress):
        outcome.restored += len(_records(run))
        yield run


def _records(run: Pairs) -> Pairs:
    """The records of the state in a list of entries in key order."""
    first, last = run[0][0][:1], run[-1][0][:1]
    if first == last:
        return run if first == keys.STATE else []
    return [pair for pair in run if pair[0][:1] == keys.STATE]


def _expires(pair: tuple[bytes, bytes]) -> bool:
    return pair[1][EXPIRY_OFFSET:HEADER_BYTES] != NO_EXPIRY


def _index_expiry(txn: WriteTransaction) -> None:
    """Make the index of expiry times, in pieces that are put in their order."""
    position = keys.STATE
    while True:
        found = list(islice(filter(_expires, txn.scan(position, keys.next_space(keys.STATE))), _INDEXED_AT_ONCE))
        txn.load(sorted((expiry, b"") for key, value in found if (expiry := expiry_of(key, value)) is not None))
        if len(found) < _INDEXED_AT_ONCE:
            return
        position = found[-1][0] + b"\0"
