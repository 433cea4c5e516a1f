"""Checkpoints: a version of a session's scope, of what the session is, and of what it owns.

When the sessions share the state's store, a checkpoint is one small record: what it needs of the scope stays in the store
(`state.kept`). Else the values are copied (`copies`), each once for all checkpoints between two changes of it.
"""

from struct import Struct

from llmspell.errors import NotFound
from llmspell.sessions import layout
from llmspell.sessions.layout import CHECKPOINT, FORMAT, SESSION, Details, after, id_text, number_key, unseal
from llmspell.sessions.session import Checkpoint
from llmspell.state.entry import DELETE
from llmspell.storage import record
from llmspell.storage.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmspell.state.transaction import Transaction
    from llmspell.storage.store import ReadTransaction, WriteTransaction

_CHECKPOINT = Struct("<BBq16s")
_MORE = Struct("<QQQ")


def write(main: "WriteTransaction", session: bytes, checkpoint: Checkpoint) -> None:
    """Add a checkpoint at its version."""
    key = number_key(CHECKPOINT, session, checkpoint.version)
    more = (checkpoint.scope_version - checkpoint.version, checkpoint.artifact_count, checkpoint.artifact_bytes)
    header = _CHECKPOINT.pack(FORMAT, any(more), checkpoint.created_at, layout.id_bytes(checkpoint.id))
    if any(more):
        header += _MORE.pack(checkpoint.scope_version, *more[1:])
    main.put(key, record.seal(key, header, checkpoint.label.encode()))


def unpack(key: bytes, value: bytes) -> Checkpoint:
    """A checkpoint as it is stored; raises Corrupt."""
    session, version = id_text(key[1:17]), int.from_bytes(key[17:25], "big")
    body = unseal(key, value, f"the checkpoint at version {version} of the session {session}")
    _, has_more, created_at, id = _CHECKPOINT.unpack_from(body)
    rest = _CHECKPOINT.size
    more = (version, 0, 0)
    if has_more:
        more = _MORE.unpack_from(body, rest)
        rest += _MORE.size
    return Checkpoint(session, version, id_text(id), body[rest:].decode(errors="replace"), created_at, *more)


def read(txn: "ReadTransaction", session: bytes, *, reverse: bool = False) -> "Iterator[Checkpoint]":
    """The checkpoints of a session, oldest first or newest first."""
    for key, value in txn.scan(CHECKPOINT + session, after(CHECKPOINT + session), reverse=reverse):
        yield unpack(key, value)


def find(txn: "ReadTransaction", session: bytes, wanted: str) -> Checkpoint:
    """The checkpoint with an id, else the newest one with that label; raises NotFound."""
    labelled = None
    for checkpoint in read(txn, session, reverse=True):
        if checkpoint.id == wanted:
            return checkpoint
        if labelled is None and checkpoint.label == wanted:
            labelled = checkpoint
    if labelled is None or not wanted:
        raise NotFound(
            f"the session {id_text(session)} has no checkpoint {wanted[:60]!r}",
            hint="Session.checkpoints(id), or `llmspell session checkpoints ID`, tells which there are",
        )
    return labelled


def versions(txn: "ReadTransaction", session: bytes) -> list[int]:
    """The versions of a session's checkpoints, ascending."""
    found = txn.scan_keys(CHECKPOINT + session, after(CHECKPOINT + session))
    return [int.from_bytes(key[17:25], "big") for key in found]


def keep_details(main: "WriteTransaction", session: bytes, old: Details, version: int) -> None:
    """Keep what the session was until now, when a checkpoint since then needs it."""
    first, last = (number_key(CHECKPOINT, session, number) for number in (old.version, version))
    if next(main.scan_keys(first, last), None) is not None:
        key = number_key(SESSION, session, old.version)
        main.put(key, old.pack(key))


def details_at(txn: "ReadTransaction", session: bytes, current: Details, version: int) -> Details:
    """What the session was at a version for which there is a checkpoint."""
    if current.version <= version:
        return current
    first, last = (number_key(SESSION, session, number) for number in (0, version + 1))
    for key, value in txn.scan(first, last, reverse=True):
        return Details.unpack(key, value)
    raise NotFound(f"what the session {id_text(session)} was at version {version} is lost")


def older_details(txn: "ReadTransaction", session: bytes) -> "Iterator[Details]":
    """What the session was before, as far as checkpoints need it, oldest first."""
    for key, value in txn.scan(number_key(SESSION, session, 0), after(SESSION + session)):
        yield Details.unpack(key, value)


def prune_details(main: "WriteTransaction", session: bytes, current: Details) -> None:
    """Let go of what the session was at versions that no checkpoint is of any more."""
    end = current.version
    for key in list(main.scan_keys(number_key(SESSION, session, 0), after(SESSION + session), reverse=True)):
        start = int.from_bytes(key[17:25], "big")
        first, last = (number_key(CHECKPOINT, session, number) for number in (start, end))
        if next(main.scan_keys(first, last), None) is None:
            main.delete(key)
        end = start


def records_of(txn: "ReadTransaction", prefix: bytes) -> "Iterator[Record]":
    """What a scope holds now."""
    for key, value in txn.scan(prefix, prefix[:-1] + b"\1"):
        yield Record(key, value)


def restore_scope(transaction: "Transaction", prefix: bytes, records: "Iterable[Record]") -> set[bytes]:
    """Make the scope whose record keys begin with `prefix` hold these records and nothing else; the keys that changed.

    What has expired by now does not come back. Ephemeral values go: no checkpoint has them. A damaged value is replaced
    without becoming history.
    """
    main, end = transaction.main, prefix[:-1] + b"\1"
    shelf = transaction.ephemeral_keys(prefix, end)
    for key in shelf:
        transaction.remove(key)
    wanted = {found.key: found for found in records if not found.is_expired(transaction.now)}
    changed = set(shelf)
    for key, value in list(main.scan(prefix, end)):
        old = wanted.get(key)
        if record.verify(key, value) is not None:
            main.delete(key)
        elif old is None:
            transaction.take(key, value, DELETE)
        elif _is_same(old, Record(key, value)):
            del wanted[key]
            continue
        changed.add(key)
    for key, old in wanted.items():
        transaction.reinstate(key, old)
        changed.add(key)
    return changed


def _is_same(one: Record, other: Record) -> bool:
    return one.version == other.version and one.updated_at == other.updated_at and bool(one.payload == other.payload)
