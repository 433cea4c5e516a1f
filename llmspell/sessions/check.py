"""Whether what the sessions have stored is sound, entry by entry and as a whole."""

from llmspell.errors import LlmspellError
from llmspell.sessions import checkpoints, executions, index, timeline
from llmspell.sessions.layout import (
    BY_NAME,
    CHECKPOINT,
    COPY,
    EXECUTION,
    INDEX,
    OPEN,
    SESSION,
    TIMELINE,
    USAGE,
    Details,
    Usage,
    after,
    id_text,
    unseal,
)
from llmspell.state import kept
from llmspell.state.journal import Retired
from llmspell.storage import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmspell.storage.store import ReadTransaction

_ID_END, _NUMBER_END = 17, 25


def examine(key: bytes, value: bytes) -> str | None:
    """What is wrong with one stored pair, as a sentence, or None; also for pairs of other domains, which it passes."""
    space = key[:1]
    try:
        if space == TIMELINE:
            timeline.unpack(key, value)
        elif space == USAGE:
            Usage.unpack(key, value)
        elif space == SESSION:
            Details.unpack(key, value)
        elif space == CHECKPOINT:
            checkpoints.unpack(key, value)
        elif space == EXECUTION:
            executions.unpack(key, value)
        elif space == COPY:
            unseal(key, value, "the copy of a value that a checkpoint needs")
        elif space == keys.KEPT:
            Retired(kept.record_key(key), key, value)
        elif space == INDEX:
            return index.examine(key, value)
    except LlmspellError as error:
        return error.message
    return None


def examine_index(txn: "ReadTransaction") -> "Iterator[str]":
    """What does not fit together: sessions, their index, what is counted, and what belongs to no session."""
    expected: set[bytes] = set()
    sessions: set[bytes] = set()
    is_open = 0
    for key, value in txn.scan(SESSION, keys.next_space(SESSION)):
        session = key[1:_ID_END]
        if len(key) == _ID_END and examine(key, value) is None:
            sessions.add(session)
            details = Details.unpack(key, value)
            expected.update(index.keys_of(session, details))
            is_open += index.is_open(details)
            yield from _examine_counts(txn, session)
    yield from _examine_entries(txn, expected)
    if index.open_count(txn) != is_open:
        yield f"{is_open} sessions are open, but {index.open_count(txn)} are counted"
    for space in (SESSION, USAGE, CHECKPOINT, TIMELINE, EXECUTION, COPY):
        for key in txn.scan_keys(space, keys.next_space(space)):
            if key[1:_ID_END] not in sessions:
                yield f"there is {key[:1]!r} of the session {id_text(key[1:_ID_END])}, which does not exist"
    for key, value in txn.scan(keys.KEPT, keys.next_space(keys.KEPT)):
        record_key = kept.record_key(key)
        if examine(key, value) is None:
            retired = Retired(record_key, key, value)
            if not kept.is_needed(txn, record_key, retired.record.version, retired.end):
                yield "'{1}' in scope '{0}' is kept for a checkpoint that is not there".format(*keys.split(record_key))


def _examine_counts(txn: "ReadTransaction", session: bytes) -> "Iterator[str]":
    key = USAGE + session
    value = txn.get(key)
    if value is None:
        yield f"nothing is counted of the session {id_text(session)}"
        return
    if examine(key, value) is not None:
        return
    usage = Usage.unpack(key, value)
    last = next(txn.scan_keys(TIMELINE + session, after(TIMELINE + session), reverse=True), None)
    if last is not None and int.from_bytes(last[_ID_END:_NUMBER_END], "big") > usage.sequence:
        yield f"the timeline of the session {id_text(session)} goes on after its last number"
    count = len(checkpoints.versions(txn, session))
    if count != usage.checkpoint_count:
        yield f"the session {id_text(session)} has {count} checkpoints, but {usage.checkpoint_count} are counted"


def _examine_entries(txn: "ReadTransaction", expected: set[bytes]) -> "Iterator[str]":
    for key in txn.scan_keys(INDEX, keys.next_space(INDEX)):
        if key == OPEN:
            continue
        if key in expected:
            expected.discard(key)
        else:
            what = "name" if key.startswith(BY_NAME) else "status or parent"
            yield f"the index of sessions has a {what} that the session {id_text(key[-16:])} does not have"
    for key in sorted(expected):
        yield f"the session {id_text(key[-16:])} is not in the index of sessions"
