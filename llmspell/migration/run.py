"""`Run`: a migration on its way through the store, forwards and back.

Every batch is one commit: the new records, the records they replace, and how far the migration has come. So whatever
kills the process leaves each document exactly old or exactly new, with a note of which; going on and going back start
from that note. Documents are changed outside the write lock, because a script's function may be part of it: a document
that somebody saves meanwhile is not the one that was planned, and is left to them.
"""

import os
from time import perf_counter

from llmspell.errors import Interrupted, LlmspellError
from llmspell.migration import originals
from llmspell.migration import version as versions
from llmspell.migration.progress import FAILED, UNDO, Progress
from llmspell.state.transaction import Head, Transaction
from llmspell.storage import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.migration.documents import Changer, Selection
    from llmspell.migration.engine import Migrations
    from llmspell.migration.lease import Lease

BATCH = 4000
BATCH_BYTES = 4_000_000
BATCH_SECONDS = 0.5
"""A batch ends at the first of these: then the write lock is held for some milliseconds, and memory stays bounded."""

_LOOK_EVERY = 64


class Batch:
    """Some documents and what becomes of them, made from one snapshot of the version `version`."""

    __slots__ = ("changes", "cursor", "is_last", "version")

    def __init__(self) -> None:
        self.changes: list[tuple[bytes, bytes, bytes]] = []
        self.cursor = b""
        self.is_last = True
        self.version = 0


class Run:
    """One migration that holds the lease."""

    def __init__(self, migrations: "Migrations", progress: Progress, lease: "Lease") -> None:
        self._manager = migrations.manager
        self._catalogue = migrations.catalogue
        self._is_stopping = migrations.is_stopping
        self._lease = lease
        self.progress = progress

    def begin(self) -> None:
        """Note that the migration runs, before anything is changed."""
        with self._manager.store.write() as txn:
            self._lease.renew(txn)
            self.progress.write(txn)

    def apply(
        self, selection: "Selection", changer: "Changer", report: "Callable[[int, int], None] | None" = None
    ) -> None:
        """Change every document behind the cursor, batch by batch, and end the migration. Raises what a document raises."""
        progress = self.progress
        while True:
            batch = self._make(selection, changer)
            self._commit(batch, selection)
            if report is not None:
                report(progress.migrated, progress.total)
            if batch.is_last:
                return

    def give_up(self, error: LlmspellError) -> None:
        """Put everything back because of an error. Where even that fails, the migration stays to be resumed or undone."""
        self.progress.error, self.progress.code = error.message, error.code
        self.progress.phase, self.progress.outcome = UNDO, FAILED
        try:
            self.begin()
            self.undo()
        except LlmspellError as problem:
            error.hint = (
                f"putting it back failed as well ({problem.message}); migrate again or roll back when that is solved"
            )

    def undo(self) -> None:
        """Put back what the migration has replaced, batch by batch, and end it with its outcome."""
        is_done = False
        while not is_done:
            self._check_stop()
            is_done = self._undo_batch()

    def _make(self, selection: "Selection", changer: "Changer") -> Batch:
        """The next batch. Holds a snapshot but no lock."""
        batch = Batch()
        changes = batch.changes
        size = 0
        change = changer.change
        began = perf_counter()
        with self._manager.store.read() as txn:
            batch.version = Head.read(txn).version
            for key, stored, stamp in selection.read(txn, self.progress.cursor):
                batch.cursor = key
                payload = change(key, stored, stamp)
                if payload is None:
                    continue
                changes.append((key, stored, payload))
                size += len(stored) + len(payload)
                if not len(changes) % _LOOK_EVERY:
                    self._check_stop()
                if len(changes) == BATCH or size >= BATCH_BYTES or perf_counter() - began > BATCH_SECONDS:
                    batch.is_last = False
                    break
        self._check_stop()
        return batch

    def _commit(self, batch: Batch, selection: "Selection") -> None:
        """Write a batch, and with the last one the end of the migration."""
        progress = self.progress
        with Transaction(self._manager) as transaction:
            main = transaction.main
            self._lease.renew(main)
            changes = batch.changes
            if transaction.head.version != batch.version:
                changes = [change for change in changes if main.get(change[0]) == change[1]]
                selection.late += len(batch.changes) - len(changes)
            target = selection.target
            if changes:
                transaction.rewrite(changes, target)
                replaced = ((key, stored) for key, stored, _ in changes)
                originals.write(main, progress.id, progress.batches, transaction.version, replaced)
                progress.batches += 1
                progress.migrated += len(changes)
            progress.cursor = batch.cursor
            if batch.is_last:
                progress.skipped = selection.late
                if progress.moves:
                    self._catalogue.write_head(main, target, is_moved=True)
                progress.finish(main, transaction.now)
            else:
                progress.write(main)

    def _undo_batch(self) -> bool:
        """Put one batch back; whether the migration is undone now."""
        progress = self.progress
        with Transaction(self._manager) as transaction:
            main = transaction.main
            self._lease.renew(main)
            found = originals.first(main, progress.id)
            if found is None:
                if progress.moves and progress.outcome != FAILED:
                    previous = None if progress.previous is None else versions.parse(progress.previous)
                    self._catalogue.write_head(main, previous, is_moved=True)
                progress.finish(main, transaction.now)
                return True
            version, pairs = originals.read(*found)
            wanted = version.to_bytes(8, "little")
            for key, stored in pairs:
                current = main.get(key)
                if current is not None and current[8:16] == wanted:
                    transaction.put_back(key, stored, version)
                    progress.restored += 1
                else:
                    progress.left_alone += 1
            main.delete(found[0])
            main.put(keys.EPOCH, os.urandom(16))
            progress.write(main)
        return False

    def _check_stop(self) -> None:
        if self._is_stopping():
            raise Interrupted("the migration was interrupted; the next one to this version resumes it")
