"""Whether what the state has stored is sound, entry by entry and as a whole."""

from llmspell.errors import LlmspellError
from llmspell.state.journal import Part, Retired, thinned_at
from llmspell.state.transaction import Head
from llmspell.storage import keys, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmspell.storage.store import ReadTransaction

_VERSION_BYTES = 8


def examine(key: bytes, value: bytes) -> str | None:
    """What is wrong with one stored pair, as a sentence, or None; also for pairs of other domains, which it passes."""
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
        elif space == keys.EXPIRY and value:
            return f"the expiry index has a value at {key!r}"
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


def _examine_history(key: bytes, value: bytes) -> None:
    record_key = keys.STATE + key[1 : -_VERSION_BYTES - 1]
    if key.endswith(bytes(_VERSION_BYTES)):
        thinned_at(record_key, key, value)
    else:
        Retired(record_key, key, value)
