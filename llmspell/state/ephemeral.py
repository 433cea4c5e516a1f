"""Ephemeral values: records in a store in memory that belongs to one manager. The *shelf* is a transaction of that store.

A key is on the shelf or in the durable store, never in both. A transaction that saves opens the shelf before the durable
store changes, and keeps it to the end of its commit.
"""

from itertools import islice

from llmspell.state.expiry import BATCH
from llmspell.storage import keys, record
from llmspell.storage.record import EPHEMERAL, EXPIRY_OFFSET, FORMAT, HEADER, HEADER_BYTES, NO_EXPIRY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.state.manager import StateManager
    from llmspell.storage.store import WriteTransaction


def save(manager: "StateManager", key: bytes, payload: bytes, ttl: int) -> bool:
    """Save a value outside of transactions, without the write lock of the durable store.

    False, and nothing done, where that lock is needed: for the very first value, and when a durable value has to go.
    """
    store = manager.ephemeral_store
    if store is None or manager.guard is not None:
        return False
    with store.write(timeout=manager.busy_seconds) as shelf:
        if manager.store.get(key) is not None:
            return False
        now = manager.clock()
        old = shelf.get(key)
        before = None if old is None else record.Record(key, old)
        created_at = now if before is None or before.is_expired(now) else before.created_at
        put(shelf, manager, key, payload, manager.schema, (created_at, now, now + ttl if ttl else 0), old)
        if ttl:
            sweep(shelf, now)
    return True


def put(
    shelf: "WriteTransaction", manager: "StateManager", key: bytes, payload: bytes, schema: tuple[int, int, int],
    times: tuple[int, int, int], old: bytes | None,
) -> None:  # fmt: skip
    """Set a value in the place of `old`, its record on the shelf. `times` are those of creation, update and expiry."""
    if old is not None:
        _forget_expiry(shelf, key, old)
    header = HEADER.pack(FORMAT, EPHEMERAL, *schema, manager.next_ephemeral_version(), *times)
    shelf.put(key, record.seal(key, header, payload))
    if times[2]:
        shelf.put(keys.expiry_key(times[2], key), b"")


def remove(shelf: "WriteTransaction", key: bytes) -> None:
    """Take a value away that may be there."""
    old = shelf.get(key)
    if old is not None:
        _forget_expiry(shelf, key, old)
        shelf.delete(key)


def sweep(shelf: "WriteTransaction", now: int) -> None:
    """Remove a few that have expired."""
    for entry in list(islice(shelf.scan_keys(keys.EXPIRY, keys.expired_end(now)), BATCH)):
        shelf.delete(entry)
        shelf.delete(keys.STATE + entry[9:])


def _forget_expiry(shelf: "WriteTransaction", key: bytes, old: bytes) -> None:
    expiry = old[EXPIRY_OFFSET:HEADER_BYTES]
    if expiry != NO_EXPIRY:
        shelf.delete(keys.expiry_key(int.from_bytes(expiry, "little"), key))
