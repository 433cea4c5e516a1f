"""`Progress`: a migration from its plan to its end, as the store keeps it; and the history of those that ended."""

from llmspell.errors import NotFound
from llmspell.migration import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from llmspell.storage.store import ReadTransaction, WriteTransaction

APPLY, UNDO = "apply", "undo"
COMPLETED, FAILED, ROLLED_BACK = "completed", "failed", "rolled_back"
HISTORY_LIMIT = 1000


class Progress:
    """What is known of one migration. All of it is written in the transaction that makes it true.

    `planned` is the version of the store when it was planned: documents that were saved later are none of its business.
    `number` is its place in the history, 0 before its end. `cursor` is the last record key it has looked at, `batches` how
    many batches have been committed. `phase` is apply or undo; `checksum` stands for the steps that run, `own_checksum` for
    those that came with the request; `outcome` is what will stand in the history at the end. `previous` is the version that
    was current before; `moves` says whether the end moves it.
    """

    def __init__(self, **facts: "Any") -> None:
        self.id: str = facts["id"]
        self.from_version: str = facts["from_version"]
        self.to_version: str = facts["to_version"]
        self.only_from: str | None = facts["only_from"]
        self.scope: str = facts["scope"]
        self.key: str = facts["key"]
        self.checksum: str = facts["checksum"]
        self.own_checksum: str = facts["own_checksum"]
        self.plan_hash: str = facts["plan_hash"]
        self.total: int = facts["total"]
        self.planned: int = facts["planned"]
        self.moves: bool = facts["moves"]
        self.previous: str | None = facts["previous"]
        self.started_at: int = facts["started_at"]
        self.finished_at: int = facts.get("finished_at", 0)
        self.backup_id: str | None = facts.get("backup_id")
        self.number: int = facts.get("number", 0)
        self.phase: str = facts.get("phase", APPLY)
        self.outcome: str = facts.get("outcome", COMPLETED)
        self.cursor: bytes = facts.get("cursor", b"")
        self.batches: int = facts.get("batches", 0)
        self.migrated: int = facts.get("migrated", 0)
        self.skipped: int = facts.get("skipped", 0)
        self.restored: int = facts.get("restored", 0)
        self.left_alone: int = facts.get("left_alone", 0)
        self.error: str | None = facts.get("error")
        self.code: str | None = facts.get("code")

    def write(self, txn: "WriteTransaction") -> None:
        """Make this the migration that runs."""
        layout.write(txn, layout.ACTIVE, vars(self))

    def finish(self, txn: "WriteTransaction", now: int) -> None:
        """End the migration: it goes to the history with its outcome."""
        self.finished_at = now
        txn.delete(layout.ACTIVE)
        if not self.number:  # ids made within one millisecond are in no order
            last = next(txn.scan_keys(layout.HISTORY, layout.HISTORY_END, reverse=True), layout.history_key(0))
            self.number = int.from_bytes(last[len(layout.HISTORY) :], "big") + 1
        layout.write(txn, layout.history_key(self.number), vars(self))
        surplus = list(txn.scan_keys(layout.HISTORY, layout.HISTORY_END))[:-HISTORY_LIMIT]
        for key in surplus:
            txn.delete(key)


def read_active(txn: "ReadTransaction") -> Progress | None:
    """The migration that runs, or that ran when its process died."""
    facts = layout.read(txn, layout.ACTIVE)
    return None if facts is None else Progress(**facts)


def read_history(txn: "ReadTransaction") -> "Iterator[Progress]":
    """The migrations that ended, newest first."""
    for key, stored in txn.scan(layout.HISTORY, layout.HISTORY_END, reverse=True):
        yield Progress(**layout.unseal(key, stored))


def read_one(txn: "ReadTransaction", migration_id: str) -> Progress:
    """A migration that ended; raises NotFound."""
    for progress in read_history(txn):
        if progress.id == migration_id:
            return progress
    raise NotFound(f"there is no migration '{migration_id[:64]}'")
