"""Expiry: what has a time to live is absent from every read from that moment, and is removed from the store later."""

from itertools import islice

from llmspell.state.entry import EXPIRE
from llmspell.storage import keys, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.state.transaction import Transaction
    from llmspell.storage.store import ReadTransaction

BATCH = 8
"""How many expired records one commit takes along."""
_LOOK_AGAIN = 1_000_000
"""µs after which a commit looks for expired records at all: another process may have written them."""
_MAX_KNOWN = 1000


def sweep(transaction: "Transaction", now: int, limit: int = BATCH) -> int:
    """Remove up to `limit` expired records. Gives the time at which there is more to do, at the latest in a second."""
    main = transaction.main
    swept = list(islice(main.scan_keys(keys.EXPIRY, keys.expired_end(now)), limit))
    for entry in swept:
        key = keys.STATE + entry[9:]
        value = main.get(key)
        if value is not None and _expires_then(key, value, entry):
            transaction.take(key, value, EXPIRE)
        else:
            # The record is gone, was changed behind the index, or is damaged: then every read of it says so.
            main.delete(entry)
    if len(swept) == limit:
        return now
    following = next(main.scan_keys(keys.EXPIRY, keys.next_space(keys.EXPIRY)), None)
    soon = now + _LOOK_AGAIN
    return soon if following is None else min(soon, int.from_bytes(following[1:9], "big"))


class Expired:
    """The keys that have expired but are still stored, for reads that see keys and not records."""

    __slots__ = ("_known", "_now", "_txn")

    def __init__(self, txn: "ReadTransaction", now: int) -> None:
        entries = list(islice(txn.scan_keys(keys.EXPIRY, keys.expired_end(now)), _MAX_KNOWN))
        self._txn = txn
        self._now = now
        # With a long backlog, looking at each record costs less than reading the whole index.
        self._known = None if len(entries) == _MAX_KNOWN else {keys.STATE + entry[9:] for entry in entries}

    def __bool__(self) -> bool:
        return self._known is None or bool(self._known)

    def __contains__(self, key: bytes) -> bool:
        if self._known is not None and key not in self._known:
            return False
        # The record decides: an index entry may have outlived the damaged record that it was made for.
        value = self._txn.get(key)
        return value is None or record.Record(key, value).is_expired(self._now)


def _expires_then(key: bytes, value: bytes, entry: bytes) -> bool:
    """Whether the record is undamaged and expires when its index entry says."""
    if record.verify(key, value) is not None:
        return False
    expires_at: int = record.Record(key, value).expires_at
    return expires_at == int.from_bytes(entry[1:9], "big")
