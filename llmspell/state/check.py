"""Whether what the state has stored is sound, entry by entry and as a whole."""

from functools import cache

from llmspell.errors import Corrupt, LlmspellError
from llmspell.state.journal import Part, Retired, thinned_at
from llmspell.state.transaction import Head
from llmspell.storage import keys, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmspell.storage.check import Examine
    from llmspell.storage.store import ReadTransaction, WriteTransaction

_VERSION_BYTES = 8


def examine(key: bytes, value: bytes) -> str | None:
    """What is wrong with one stored pair, as a sentence, or None; also for pairs of other domains, which it hands on."""
    space = key[:1]
    try:
        if space == keys.STATE:
            return record.verify(key, value)
        if space == keys.HISTORY:
            _examine_history(key, value)
        elif space == keys.JOURNAL:
            Part(key, value)
        elif key == keys.HEAD:
            Head.unpack(value)
        elif space == keys.EXPIRY:
            return f"the expiry index has a value at {key!r}" if value else None
        elif (examine_other := _examiner(space)) is not None:
            return examine_other(key, value)
    except LlmspellError as error:
        return error.message
    return None


def examine_index(txn: "ReadTransaction") -> "Iterator[str]":
    """What does not fit together: records and the index of their expiry. Reads every record; damaged ones are passed."""
    expected: set[bytes] = set()
    for key, value in txn.scan(keys.STATE, keys.next_space(keys.STATE)):
        if record.verify(key, value) is None:
            found = record.Record(key, value)
            if found.expires_at:
                expected.add(keys.expiry_key(found.expires_at, key))
    for entry in txn.scan_keys(keys.EXPIRY, keys.next_space(keys.EXPIRY)):
        if entry in expected:
            expected.discard(entry)
        else:
            scope, name = keys.split(entry[_VERSION_BYTES:])
            yield f"the expiry index names '{name}' in scope '{scope}', which does not expire then"
    for entry in sorted(expected):
        scope, name = keys.split(entry[_VERSION_BYTES:])
        yield f"'{name}' in scope '{scope}' expires, but is not in the expiry index"


def mend_journal(main: "WriteTransaction", now: int) -> int:
    """Remove the damaged entries of the journal and let it begin after the last of them; how many entries there were.

    No value is lost by that, nor any of its history: only what those commits, and the ones before them, have changed is no
    longer told. The version counter goes on behind the newest entry, also when it was that one that was damaged, or what is
    stored under `keys.HEAD`. Where the journal tells nothing of the counter, a damaged one stays as it is.
    """
    damaged: set[int] = set()
    newest = newest_at = 0
    for key in main.scan_keys(keys.JOURNAL, keys.next_space(keys.JOURNAL)):
        newest = int.from_bytes(key[1:9], "big")
        try:
            newest_at = Part(key, main.get(key) or b"").at
        except Corrupt:
            damaged.add(newest)
    try:
        stored = main.get(keys.HEAD)
        head = Head() if stored is None else Head.unpack(stored)
        lost_counter = False
    except Corrupt:
        head, lost_counter = Head(), True
    if not newest or not (damaged or lost_counter):
        return 0
    for version in damaged:
        for key in list(main.scan_keys(keys.journal_key(version), keys.journal_key(version + 1))):
            main.delete(key)
    if newest > head.version:
        head.version, head.at = newest, max(now, newest_at) if newest in damaged else newest_at
    head.floor = max(head.floor, newest if lost_counter else max(damaged))
    head.write(main)
    return len(damaged) + lost_counter


@cache
def _examiner(space: bytes) -> "Examine | None":
    """What looks at the pairs of a space that another domain has; None for spaces of which nothing is known."""
    if space == b"M":
        from llmspell.migration.check import examine

        return examine
    return None


def _examine_history(key: bytes, value: bytes) -> None:
    record_key = keys.STATE + key[1 : -_VERSION_BYTES - 1]
    if key.endswith(bytes(_VERSION_BYTES)):
        thinned_at(record_key, key, value)
    else:
        Retired(record_key, key, value)
