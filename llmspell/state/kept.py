"""Kept records: what checkpoints still need of the past, when the journal lets go of it or never had it.

A checkpoint is a version of the scope `session:<id>`. What it needs is the current record of each key or the one that was
replaced or removed later, so making one copies nothing. Before such a record would go for good it moves into a space of its
own, under its key and the version that ended it, and it goes from there with the last checkpoint that needs it.
"""

from llmspell.state import journal
from llmspell.state.journal import Retired
from llmspell.storage import keys
from llmspell.storage.record import VERSION, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmspell.storage.store import ReadTransaction, WriteTransaction

_ID_TEXT_BYTES = 36


def keep(main: "WriteTransaction", key: bytes, end: int, operation: int, at: int, old: bytes) -> None:
    """Keep the record `old`, which ended at version `end`, if a checkpoint needs it."""
    if is_needed(main, key, int.from_bytes(old[VERSION], "little"), end):
        kept_key = keys.kept_key(key, end)
        main.put(kept_key, journal.pack_retired(kept_key, operation, at, old))


def keep_retired(main: "WriteTransaction", key: bytes, history_key: bytes) -> None:
    """Keep a record of the history that the journal is about to drop, if a checkpoint needs it."""
    stored = main.get(history_key)
    if stored is not None:
        retired = Retired(key, history_key, stored)
        keep(main, key, retired.end, retired.operation, retired.at, journal.retired_bytes(stored))


def is_needed(txn: "ReadTransaction", key: bytes, start: int, end: int) -> bool:
    """Whether there is a checkpoint of the key's scope at a version from `start` to before `end`."""
    session = _session_of(key)
    if session is None:
        return False
    first, last = (keys.CHECKPOINT + session + number.to_bytes(8, "big") for number in (start, end))
    return next(txn.scan_keys(first, last), None) is not None


def prune(main: "WriteTransaction", prefix: bytes) -> None:
    """Let go of what no checkpoint needs any more, of the scope whose record keys begin with `prefix`."""
    start = keys.KEPT + prefix[1:]
    for kept_key in list(main.scan_keys(start, start[:-1] + b"\1")):
        key = record_key(kept_key)
        stored = main.get(kept_key)
        if stored is not None:
            retired = Retired(key, kept_key, stored)
            if not is_needed(main, key, retired.record.version, retired.end):
                main.delete(kept_key)


def records_at(txn: "ReadTransaction", prefix: bytes, version: int) -> "Iterator[Record]":
    """What a scope held at a version for which there is a checkpoint, in key order; also what has expired since."""
    for key in scope_keys(txn, prefix):
        found = record_at(txn, key, version)
        if found is not None:
            yield found


def scope_keys(txn: "ReadTransaction", prefix: bytes) -> "list[bytes]":
    """The record keys that a scope has, or had as far as anything tells, in order."""
    names: set[bytes] = set()
    for space in (keys.STATE, keys.HISTORY, keys.KEPT):
        names.update(_keys(txn, space + prefix[1:], is_state=space == keys.STATE))
    return sorted(names)


def lives(txn: "ReadTransaction", key: bytes) -> "Iterator[tuple[Record, int | None]]":
    """Every record of a key that there is, with the version that ended it; None for the current one."""
    for first in (keys.kept_key(key, 1), keys.history_key(key, 1)):
        for stored_key, value in txn.scan(first, first[:-9] + b"\1"):
            retired = Retired(key, stored_key, value)
            yield retired.record, retired.end
    current = txn.get(key)
    if current is not None:
        yield Record(key, current), None


def record_at(txn: "ReadTransaction", key: bytes, version: int) -> "Record | None":
    """The record that was current at a version for which there is a checkpoint."""
    value = txn.get(key)
    if value is not None:
        current = Record(key, value)
        if current.version <= version:
            return current
    for retired in _following(txn, key, version):
        if retired.record.version <= version:
            return retired.record
    return None


def record_key(kept_key: bytes) -> bytes:
    """The record key that a key of the history, or a kept one, stands for."""
    return keys.STATE + kept_key[1:-9]


def _following(txn: "ReadTransaction", key: bytes, version: int) -> "Iterator[Retired]":
    """The first record that ended after a version, of what is kept and of the history."""
    end = b"\1"
    for first in (keys.kept_key(key, version + 1), keys.history_key(key, version + 1)):
        found = next(txn.scan(first, first[:-9] + end), None)
        if found is not None:
            yield Retired(key, *found)


def _keys(txn: "ReadTransaction", start: bytes, *, is_state: bool) -> "Iterator[bytes]":
    """The record keys that a scope has in one space, each found by one jump when there are many entries of one key."""
    end = start[:-1] + b"\1"
    if is_state:
        yield from txn.scan_keys(start, end)
        return
    while (found := next(txn.scan_keys(start, end), None)) is not None:
        yield record_key(found)
        start = found[:-9] + b"\1"


def _session_of(key: bytes) -> bytes | None:
    """The 16 bytes of the session whose scope a record key belongs to; None for a scope that is no session's."""
    text, _, _ = key[len(keys.SESSION_SCOPES) :].partition(b"\0")
    if len(text) != _ID_TEXT_BYTES:
        return None
    try:
        return bytes.fromhex(text.replace(b"-", b"").decode("ascii"))
    except ValueError:
        return None
