"""`Lease`: at most one migration runs on a store. A process that has died keeps nobody waiting."""

import time
from contextlib import suppress

from llmspell.errors import MigrationError, StorageBusy, StorageError, StorageFull
from llmspell.ids import new_id
from llmspell.migration import layout
from llmspell.state.moment import text as time_text
from llmspell.storage import owner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.storage.store import Store, WriteTransaction


class Lease:
    """The right to migrate, for a `with` block. Raises StorageBusy when somebody who is alive has it.

    `renew` is called in every transaction of the migration: it is the proof that the lease was not lost meanwhile.
    """

    def __init__(self, store: "Store", clock: "Callable[[], int]") -> None:
        self._store = store
        self._clock = clock
        self._id = new_id()
        self._renewed = 0.0

    def __enter__(self) -> "Lease":
        with self._store.write() as txn:
            held = layout.read(txn, layout.LEASE)
            if held is not None and owner.is_alive(held, self._clock()):
                raise StorageBusy(
                    f"a migration is running already (process {held['process']}, since {time_text(held['since'])})",
                    hint="wait until it has ended",
                )
            self._write(txn, self._clock())
        return self

    def __exit__(self, *_: object) -> None:
        # Where the store cannot be written, the lease ends with this process.
        with suppress(StorageError, StorageFull, StorageBusy), self._store.write() as txn:
            held = layout.read(txn, layout.LEASE)
            if held is not None and held["id"] == self._id:
                txn.delete(layout.LEASE)

    def renew(self, txn: "WriteTransaction") -> None:
        """Raise MigrationError when somebody else has the lease now; else keep it."""
        held = layout.read(txn, layout.LEASE)
        if held is None or held["id"] != self._id:
            raise MigrationError("another process has taken the migration over")
        if time.monotonic() - self._renewed > owner.RENEW_AFTER:
            self._write(txn, held["since"])

    def _write(self, txn: "WriteTransaction", since: int) -> None:
        layout.write(txn, layout.LEASE, {"id": self._id, "since": since, **owner.describe(self._clock())})
        self._renewed = time.monotonic()
