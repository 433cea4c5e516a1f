"""`Lease`: at most one migration runs on a store. A process that has died keeps nobody waiting."""

import os
import time
from contextlib import suppress

from llmspell.errors import MigrationError, StorageBusy, StorageError, StorageFull
from llmspell.ids import new_id
from llmspell.migration import layout
from llmspell.state.moment import text as time_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmspell.storage.store import Store, WriteTransaction

SECONDS = 60
"""How long the lease of a process on another machine holds without a sign of life. On the same machine one can look."""
_RENEW_AFTER = 10


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
            if held is not None and self._is_alive(held):
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
        if time.monotonic() - self._renewed > _RENEW_AFTER:
            self._write(txn, held["since"])

    def _write(self, txn: "WriteTransaction", since: int) -> None:
        process = os.getpid()
        layout.write(
            txn,
            layout.LEASE,
            {
                "id": self._id,
                "process": process,
                "started": _start_of(process),
                "machine": _machine(),
                "since": since,
                "until": self._clock() + SECONDS * 1_000_000,
            },
        )
        self._renewed = time.monotonic()

    def _is_alive(self, held: "dict[str, Any]") -> bool:
        if held["machine"] != _machine():
            return bool(held["until"] > self._clock())
        try:
            os.kill(held["process"], 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        # The number may have gone to another process since.
        return bool(held["started"] == _start_of(held["process"]))


def _machine() -> str:
    """This machine since its last start, within one name space of processes."""
    parts = [os.uname().nodename]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            parts.append(os.readlink(path) if "ns" in path else _first_line(path))
        except OSError:
            parts.append("")
    return "/".join(parts)


def _start_of(process: int) -> int:
    """When a process began, in ticks of the machine; 0 where that cannot be told."""
    try:
        return int(_first_line(f"/proc/{process}/stat").rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return 0


def _first_line(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.readline().strip()
