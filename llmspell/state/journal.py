"""The journal: every committed change in version order, as far back as the policy keeps it.

A commit has an entry that lists the keys it changed. A record that is replaced or removed moves, as it was, under the
version that did it. So a version of a value is stored once, and the value at any version is the current record, when it
is old enough, or the first one that went after that version.
"""

from itertools import islice
from struct import Struct
from zlib import crc32

from llmspell.errors import Corrupt, NotFound
from llmspell.state.entry import DELETE, EXPIRE, OPERATIONS, SAVE, Change, Revision
from llmspell.storage import keys, record
from llmspell.storage.record import INTACT, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmspell.state.transaction import Head, Transaction
    from llmspell.storage.store import ReadTransaction, WriteTransaction

DAY = 86_400_000_000
COMPACT_BATCH = 256
"""How many changes one commit drops from the far end of the journal: well below a millisecond's work."""
_COMPACT_EVERY = 60_000_000
_MAX_THINNED = 1000
_PART_KEYS = 512
_PART = Struct("<BqHH")
_RETIRED = Struct("<BBq")
_RETIRED_BYTES = _RETIRED.size + 4
_FORMAT = 1
_SEPARATOR = b"\1"


class JournalPolicy:
    """How far back the journal reaches: `keep_days` (0 for ever) and `keep_versions` old values per key (0 for all)."""

    __slots__ = ("enabled", "keep_days", "keep_versions")

    def __init__(self, *, enabled: bool = True, keep_days: float = 30, keep_versions: int = 0) -> None:
        self.enabled = enabled
        self.keep_days = keep_days
        self.keep_versions = keep_versions


class Part:
    """One stored piece of a commit's entry, verified: which operation it did on which record keys."""

    __slots__ = ("at", "correlation_id", "keys", "number", "operations", "version")

    def __init__(self, key: bytes, value: bytes) -> None:
        self.version = int.from_bytes(key[1:9], "big")
        self.number = int.from_bytes(key[9:13], "big")
        if crc32(value, crc32(key)) != INTACT or len(value) < _PART.size + 4 or value[0] != _FORMAT:
            raise Corrupt(f"the journal's entry for version {self.version} is damaged")
        _, self.at, text_bytes, count = _PART.unpack_from(value)
        operations_start = _PART.size + text_bytes
        keys_start = operations_start + count
        self.correlation_id = value[_PART.size : operations_start].decode(errors="replace")
        self.operations = value[operations_start:keys_start]
        self.keys = value[keys_start:-4].split(_SEPARATOR) if count else []


class Retired:
    """A record that was replaced or removed at version `end`, verified, and how: `operation` (SAVE when replaced)."""

    __slots__ = ("at", "end", "operation", "record")

    def __init__(self, key: bytes, history_key: bytes, value: bytes) -> None:
        self.end = int.from_bytes(history_key[-8:], "big")
        if crc32(value[:_RETIRED_BYTES], crc32(history_key)) != INTACT or value[0] != _FORMAT:
            scope, name = keys.split(key)
            raise Corrupt(f"the history of '{name}' in scope '{scope}' is damaged at version {self.end}")
        _, self.operation, self.at = _RETIRED.unpack_from(value)
        self.record = Record(key, value[_RETIRED_BYTES:])


def pack_retired(history_key: bytes, operation: int, at: int, old: bytes) -> bytes:
    """The stored form of a record that goes."""
    header = retired_header(operation, at)
    return b"".join((header, crc32(history_key + header).to_bytes(4, "little"), old))


def amend(main: "WriteTransaction", key: bytes, version: int, operation: int, at: int) -> None:
    """Say again how the record before commit `version` ended, when that commit changes its key more than once."""
    history_key = keys.history_key(key, version)
    stored = main.get(history_key)
    if stored is not None:
        retired = Retired(key, history_key, stored)
        if retired.operation != EXPIRE:
            main.put(history_key, pack_retired(history_key, operation, at, stored[_RETIRED_BYTES:]))


def retired_bytes(stored: bytes) -> bytes:
    """The record within the stored form of one that went."""
    return stored[_RETIRED_BYTES:]


def retired_header(operation: int, at: int) -> bytes:
    """What the stored form begins with, before the checksum over the history key and this."""
    return _RETIRED.pack(_FORMAT, operation, at)


def write_commit(
    main: "WriteTransaction", version: int, at: int, correlation_id: str, changes: dict[bytes, int]
) -> None:
    """Add the entry of a commit; also of one that changed no key of the state, so that every version has one.

    Such an entry tells nothing that a correlation could be told of, so it is without.
    """
    text = correlation_id.encode() if changes else b""
    operations = bytes(changes.values())
    if len(operations) <= _PART_KEYS:
        _write_part(main, version, 0, at, text, operations, _SEPARATOR.join(changes))
        return
    changed = list(changes)
    for start in range(0, len(changed), _PART_KEYS):
        end = start + _PART_KEYS
        joined = _SEPARATOR.join(changed[start:end])
        _write_part(main, version, start // _PART_KEYS, at, text, operations[start:end], joined)


def _write_part(
    main: "WriteTransaction", version: int, number: int, at: int, text: bytes, operations: bytes, changed: bytes
) -> None:
    key = keys.journal_key(version, number)
    header = _PART.pack(_FORMAT, at, len(text), len(operations)) + text + operations
    main.put(key, record.seal(key, header, changed))


def thin(main: "WriteTransaction", key: bytes, version: int, keep: int) -> None:
    """Drop all but the last `keep` old records of a key. Not at every call: the cost of looking is spread."""
    if (version * 0x9E3779B97F4A7C15 >> 32) % max(1, keep // 8):
        return
    oldest = keys.history_key(key, 1)
    surplus = list(islice(main.scan_keys(oldest, keys.history_end(key), reverse=True), keep, keep + _MAX_THINNED))
    if surplus:
        for history_key in surplus:
            _keep(main, key, history_key)
            main.delete(history_key)
        marker = keys.history_key(key, 0)
        main.put(marker, record.seal(marker, surplus[0][-8:], b""))


def compact(transaction: "Transaction", policy: JournalPolicy, limit: int = COMPACT_BATCH) -> int:
    """Drop what is older than the policy keeps, about `limit` changes of it. Gives the time (µs) to go on at."""
    now = transaction.now
    if not policy.keep_days:
        return now + _COMPACT_EVERY
    main = transaction.main
    horizon = now - int(policy.keep_days * DAY)
    dropped = 0
    for journal_key, value in main.scan(keys.JOURNAL, keys.next_space(keys.JOURNAL)):
        try:
            part = Part(journal_key, value)
        except Corrupt:
            break
        if part.at >= horizon:
            break
        if dropped >= limit:
            return now
        for key in part.keys:
            history_key = keys.history_key(key, part.version)
            _keep(main, key, history_key)
            main.delete(history_key)
            marker = keys.history_key(key, 0)
            if policy.keep_versions and _marked_version(main, key) <= part.version:
                main.delete(marker)
        main.delete(journal_key)
        transaction.head.floor = max(transaction.head.floor, part.version)
        dropped += len(part.keys)
    return now + _COMPACT_EVERY


def record_at(txn: "ReadTransaction", key: bytes, version: int, head: "Head") -> Record | None:
    """The record that was current right after commit `version`, also one that had expired.

    Raises NotFound when the journal does not reach back that far and so cannot tell.
    """
    value = txn.get(key)
    if value is not None:
        current = Record(key, value)
        if current.version <= version:
            return current
    following = next(txn.scan(keys.history_key(key, version + 1), keys.history_end(key)), None)
    if following is not None:
        retired = Retired(key, *following)
        if retired.record.version <= version:
            return retired.record
    known_from = max(head.floor, _marked_version(txn, key))
    if version < known_from:
        scope, name = keys.split(key)
        raise NotFound(
            f"the journal of '{name}' in scope '{scope}' goes back to version {known_from}, not to {version}",
            hint="[state.journal] keep_days and keep_versions say how much is kept",
        )
    return None


def time_of(txn: "ReadTransaction", version: int) -> int | None:
    """The time (µs) of a commit, or None when the journal does not hold it."""
    key = keys.journal_key(version)
    value = txn.get(key)
    return None if value is None else Part(key, value).at


def version_at(txn: "ReadTransaction", at: int, head: "Head") -> int:
    """The last version committed at or before a time (µs); of a time before the journal, the version before it."""
    if at >= head.at:
        return head.version
    first = next(txn.scan(keys.JOURNAL, keys.next_space(keys.JOURNAL)), None)
    if first is None:
        return head.version - 1
    part = Part(*first)
    if at < part.at:
        return part.version - 1
    low, high = part.version, head.version
    while high - low > 1:
        middle = (low + high) // 2
        found = next(txn.scan(keys.journal_key(middle), keys.next_space(keys.JOURNAL)), None)
        if found is None or (part := Part(*found)).at > at:
            high = middle
        else:
            low = max(middle, part.version)
    return low


def history(txn: "ReadTransaction", key: bytes, keep_versions: int = 0) -> "Iterator[Revision]":
    """The changes of one key, newest first."""

    def correlation(version: int) -> str:
        journal_key = keys.journal_key(version)
        value = txn.get(journal_key)
        return "" if value is None else Part(journal_key, value).correlation_id

    def saved(old: Record) -> Revision:
        return Revision(old.version, old.updated_at, SAVE, correlation(old.version), old)

    value = txn.get(key)
    if value is not None:
        yield saved(Record(key, value))
    past = txn.scan(keys.history_key(key, 1), keys.history_end(key), reverse=True)
    for history_key, stored in islice(past, keep_versions or None):
        retired = Retired(key, history_key, stored)
        if retired.operation >= DELETE:
            yield Revision(retired.end, retired.at, retired.operation, correlation(retired.end), None)
        yield saved(retired.record)


def changes(
    txn: "ReadTransaction", version: int, skip: int, begins: bytes, prefix: bytes
) -> "Iterator[tuple[int, Change]]":
    """The changes after `version`, without the first `skip` of the commit that follows it, oldest first.

    Each comes with its place in its commit. Only those whose record key begins with `begins` and whose own key begins
    with `prefix`.
    """
    first = version + 1
    for journal_key, value in txn.scan(keys.journal_key(first, skip // _PART_KEYS), keys.next_space(keys.JOURNAL)):
        part = Part(journal_key, value)
        place = part.number * _PART_KEYS
        for key, operation in zip(part.keys, part.operations, strict=True):
            place += 1
            if (part.version == first and place <= skip) or not key.startswith(begins):
                continue
            if prefix and not key[key.index(b"\0") + 1 :].startswith(prefix):
                continue
            scope, name = keys.split(key)
            yield place, Change(part.version, part.at, OPERATIONS[operation], scope, name, part.correlation_id)


def _keep(main: "WriteTransaction", key: bytes, history_key: bytes) -> None:
    """Save what a checkpoint still needs from going."""
    if key.startswith(keys.SESSION_SCOPES):
        from llmspell.state import kept

        kept.keep_retired(main, key, history_key)


def caused(txn: "ReadTransaction", correlation_id: str, since: int, most: int) -> "list[Change]":
    """The changes of the commits after a time (µs) that carry a correlation, oldest first; of the last `most` entries."""
    text = correlation_id.encode()
    start, end = _PART.size, _PART.size + len(text)
    found: list[Part] = []
    entries = txn.scan(keys.JOURNAL, keys.next_space(keys.JOURNAL), reverse=True)
    for journal_key, value in islice(entries, most):
        if len(value) > _PART.size:
            _, at, size, _ = _PART.unpack_from(value)
            if at <= since:
                break
            if size != len(text) or value[start:end] != text:
                continue
        found.append(Part(journal_key, value))  # verified; one that is too short is damaged
    return [
        Change(part.version, part.at, OPERATIONS[operation], *keys.split(key), part.correlation_id)
        for part in reversed(found)
        for key, operation in zip(part.keys, part.operations, strict=True)
    ]


def _marked_version(txn: "ReadTransaction", key: bytes) -> int:
    """The version below which `thin` has dropped old records of a key, else 0."""
    marker = keys.history_key(key, 0)
    value = txn.get(marker)
    return 0 if value is None else thinned_at(key, marker, value)


def thinned_at(key: bytes, marker: bytes, value: bytes) -> int:
    """The version in the mark that `thin` has left; raises Corrupt."""
    if crc32(value, crc32(marker)) != INTACT or len(value) != 12:
        scope, name = keys.split(key)
        raise Corrupt(f"the history of '{name}' in scope '{scope}' is damaged where it was thinned out")
    return int.from_bytes(value[:8], "big")
