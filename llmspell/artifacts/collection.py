"""Collections: taking away what nothing refers to any more, and giving back what uploads of dead processes hold.

Every commit is small and leaves the counts exact, so a collection may be killed at any moment, and artifacts may be stored
and deleted meanwhile.
"""

from collections import Counter

from llmspell.artifacts import content, layout
from llmspell.artifacts.upload import release_batch
from llmspell.state.transaction import Transaction
from llmspell.storage import owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.artifacts.layout import Content
    from llmspell.state.manager import StateManager
    from llmspell.storage.store import ReadTransaction, WriteTransaction

_BATCH = 256


class Collected:
    """What a collection took away: the `pieces` of contents that nobody had any more, the `bytes` they took, and what
    `uploads` that were broken off had left.
    """

    __slots__ = ("bytes", "pieces", "uploads")

    def __init__(self) -> None:
        self.pieces = 0
        self.bytes = 0
        self.uploads = 0

    def add(self, gone: "Content") -> None:
        if not gone.is_list:
            self.pieces += 1
            self.bytes += gone.stored


def collect(
    manager: "StateManager", *, dry_run: bool = False, progress: "Callable[[int], object] | None" = None
) -> Collected:
    """Remove what nothing refers to; with `dry_run`, only find out what that would be. Raises Corrupt.

    `progress` is called with the number of contents that were removed since the last call.
    """
    with manager.store.read() as txn:
        uploads = _broken_off(txn, manager.clock())
        if dry_run:
            return _foresee(txn, uploads)
    done = Collected()
    for upload in uploads:
        _give_back(manager, upload)
        done.uploads += 1
    while True:
        with manager.store.read() as txn:
            unused = _unused(txn)
        if not unused:
            return done
        for start in range(0, len(unused), _BATCH):
            with Transaction(manager) as transaction:
                removed = [gone for hash in unused[start : start + _BATCH] if (gone := _remove(transaction.main, hash))]
                if removed:
                    transaction.touch()
            for gone in removed:
                done.add(gone)
            if progress is not None:
                progress(len(removed))


def _unused(txn: "ReadTransaction") -> list[bytes]:
    return [each.hash for each in _contents(txn) if not each.references]


def _contents(txn: "ReadTransaction") -> "list[Content]":
    return [layout.Content.unpack(key, value) for key, value in txn.scan(layout.CONTENTS, layout.CONTENTS_END)]


def _remove(main: "WriteTransaction", hash: bytes) -> "Content | None":
    """Remove a content if nothing refers to it still; a list drops its references to its pieces."""
    gone = layout.find_content(main, hash)
    if gone is None or gone.references:
        return None
    if gone.is_list:
        content.release(main, content.list_of(main, gone))
    main.delete(gone.piece)
    main.delete(layout.CONTENTS + hash)
    return gone


def _broken_off(txn: "ReadTransaction", now: int) -> list[bytes]:
    """The ids of the uploads whose process has died, and of those that a collection had begun to give back."""
    cut = len(layout.UPLOADS)
    alive = {
        key[cut:]
        for key, value in txn.scan(layout.UPLOADS, layout.UPLOADS_END)
        if owner.is_alive(layout.unseal(key, value), now)
    }
    known = {key[cut:] for key in txn.scan_keys(layout.UPLOADS, layout.UPLOADS_END)}
    known.update(key[cut:-4] for key in txn.scan_keys(layout.BATCHES, layout.BATCHES_END))
    return sorted(known - alive)


def _batches(txn: "ReadTransaction", upload: bytes) -> list[bytes]:
    start = layout.BATCHES + upload
    return list(txn.scan_keys(start, start + b"\xff" * 5))


def _give_back(manager: "StateManager", upload: bytes) -> None:
    """Give back what an upload held; first its entry goes, so that it cannot go on if it lives after all."""
    with Transaction(manager) as transaction:
        transaction.main.delete(layout.UPLOADS + upload)
    with manager.store.read() as txn:
        left = _batches(txn, upload)
    for key in left:
        with Transaction(manager) as transaction:
            release_batch(transaction, key)


def _foresee(txn: "ReadTransaction", uploads: list[bytes]) -> Collected:
    """What a collection would do now."""
    found = Collected()
    found.uploads = len(uploads)
    dropped: Counter[bytes] = Counter()
    for upload in uploads:
        for key in _batches(txn, upload):
            dropped.update(content.split(layout.read(txn, key)))
    everything = _contents(txn)
    for is_list in (True, False):  # no list has a list in it, so lists are done before their pieces
        for each in everything:
            if each.is_list is is_list and each.references == dropped[each.hash]:
                found.add(each)
                if is_list:
                    dropped.update(content.list_of(txn, each))
    return found
