"""Export and import of a whole session: what it is and was at its checkpoints, its scope, its timeline, and what it owns.

Versions mean something in one store only. In the file a checkpoint is told by its place among the checkpoints, and the
present by their number; an import gives each checkpoint a version of the new store, and the present that of its commit.
"""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Any

from llmspell import values
from llmspell.errors import BadArgument, BadValue, Conflict, Corrupt, InvalidKey, LlmspellError, NotFound
from llmspell.ids import new_id
from llmspell.sessions import archive, checkpoints, copies, executions, index, inputs, layout, timeline
from llmspell.sessions.archive import ATTACHED, ATTACHMENT, CHECKPOINT, DETAILS, ENTRY, EXECUTION, VALUE, Progress
from llmspell.sessions.layout import SESSION, STATUSES, Details, Usage, id_bytes, number_key
from llmspell.sessions.session import LIMITS, Checkpoint
from llmspell.sessions.sessions import Sessions
from llmspell.state import journal, kept
from llmspell.state.entry import SAVE
from llmspell.state.key import state_key
from llmspell.state.limits import admit
from llmspell.state.moment import LATEST
from llmspell.state.scope import Scope
from llmspell.state.transaction import Transaction
from llmspell.storage import keys, record
from llmspell.storage.record import EXTERNAL, HEADER, STANDARD, TRUSTED, Record
from llmspell.storage.store import ReadTransaction, WriteTransaction

CLASSES = (TRUSTED, STANDARD, EXTERNAL)
"""Those that a value may have that is not encrypted."""
TEXTS = ("name", "description", "created_by", "parent", "reason", "overtime", "status", "correlation_id")
_MAX_COUNT = 2**48
Span = tuple[bytes, int, int, Record]
"""A key's name, the first and the last place at which it had the value, and the record."""


def silent(_bytes: int) -> None:
    """Tells nobody."""


def export(sessions: Sessions, session_id: str, path: str, *, progress: Progress = silent) -> None:
    """Write a session into one file, as it is at one moment. The file appears complete or not at all.

    Raises NotFound, and BadArgument when the file cannot be written.
    """
    sessions.flush()
    with sessions.home.store.read() as txn, archive.Writer(path, progress) as out:
        session, details, usage = sessions.stored(txn, session_id)
        versions = checkpoints.versions(txn, session)
        for first, last, each in _details(txn, session, details, versions):
            fields = each.fields | {"first": first, "last": last}
            if last == len(versions):
                fields |= {"id": session_id, "usage": _usage(usage), "checkpoints": len(versions)}
            out.add(DETAILS, values.encode(fields))
        for checkpoint in checkpoints.read(txn, session):
            out.add(CHECKPOINT, values.encode(_checkpoint(checkpoint)))
        for name, first, last, found in _spans(sessions, txn, session, versions):
            out.add(VALUE, values.encode(_value(name, first, last, found)))
        for entry in timeline.read(txn, session, "", None, 0, None):
            fields = {"seq": entry.seq, "at": entry.at, "kind": entry.kind, "data": entry.data}
            out.add(ENTRY, values.encode(fields | {"correlation_id": entry.correlation_id}))
        for recorded in executions.read(txn, session):
            out.add(EXECUTION, values.encode({"seq": recorded.seq, "packed": executions.pack(recorded.execution)}))
        for attached in sessions.attachments:
            out.add(ATTACHED, attached.name.encode())
            for key, piece in attached.exported(txn, session_id, versions):
                out.add(ATTACHMENT, len(key).to_bytes(4, "little") + key + piece)


def import_(sessions: Sessions, path: str, *, as_new: bool = False, progress: Progress = silent) -> str:
    """Put an exported session into the store, in one commit; its id. With `as_new` it gets a new id.

    The whole file is verified before anything is written. Raises Corrupt when the file is damaged or holds what no export
    writes, Conflict when the session is there already, and LimitExceeded; nothing is changed then.
    """
    if sessions.home.own_transaction() is not None:
        raise BadArgument("a session cannot be imported within a transaction")
    for _ in archive.read(path, progress):
        pass
    incoming = _Incoming(sessions, path, as_new)
    try:
        with sessions.change() as transaction:
            transaction.touch()
            return incoming.take(transaction, archive.read(path, silent))
    except (BadValue, InvalidKey, NotFound, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        told = error.message if isinstance(error, LlmspellError) else f"a field of it is missing or wrong ({error})"
        raise Corrupt(f"{path} is not an exported session: {told}; nothing was imported") from error


class _Incoming:
    """An archive that is being imported. Nothing in it is believed: anybody can make one whose checksums are right."""

    def __init__(self, sessions: Sessions, path: str, as_new: bool) -> None:
        self._sessions = sessions
        self._path = path
        self._as_new = as_new

    def take(self, transaction: Transaction, frames: Iterator[tuple[int, bytes]]) -> str:
        sessions, main = self._sessions, transaction.main
        pending = _Pending(frames)
        details = [self._details(body) for body in pending.all_of(DETAILS)]
        present = details[-1][2] if details else {}
        count, place = _number(present.pop("checkpoints"), 1_000_000), -1
        for first, last, _ in details:
            _require(place + 1 == first <= last <= count, "what it was at its checkpoints does not fit together")
            place = last
        _require(place == count, "what it was at its checkpoints does not fit together")
        session_id = _id(present.pop("id"))
        if self._as_new:
            session_id = new_id()
            present["correlation_id"] = new_id()
        session = id_bytes(session_id)
        if main.get(SESSION + session) is not None:
            raise Conflict(
                f"the session {session_id} is there already", hint="delete it first, or import a copy (--as-new)"
            )
        usage = self._usage(present.pop("usage"), transaction.now)
        # Every checkpoint gets a version of its own, below that of the commit.
        first_version = transaction.skip(count)
        versions = list(range(first_version, transaction.version))
        moments = [*versions, transaction.version]
        for first, _, fields in details[:-1]:
            key = number_key(SESSION, session, moments[first])
            main.put(key, Details(_same_session(fields, present), moments[first]).pack(key))
        made = [self._checkpoint(body, session_id) for body in pending.all_of(CHECKPOINT)]
        _require(len(made) == count, "checkpoints are missing")
        for version, checkpoint in zip(versions, made, strict=True):
            checkpoint.version = checkpoint.scope_version = version
            checkpoints.write(main, session, checkpoint)
        usage.checkpoint_count = count
        self._values(transaction, session, moments, (self._value(body, count) for body in pending.all_of(VALUE)))
        self._timeline(main, session, usage, pending)
        self._attached(transaction, session_id, versions, pending)
        for each in sessions.attachments:
            owned, size = each.totals(main, session_id)
            usage.artifact_count, usage.artifact_bytes = usage.artifact_count + owned, usage.artifact_bytes + size
        _require(pending.is_done(), "it holds what no export writes")
        if index.is_open(Details(present)):
            sessions.check_room(main)
        sessions.put(transaction, session, None, Details(present), usage, since=moments[details[-1][0]])
        sessions.tell(transaction, "session.imported", session_id, "", name=present.get("name", ""))
        return session_id

    def _details(self, body: bytes) -> tuple[int, int, dict[str, Any]]:
        fields = _map(body)
        first, last = _number(fields.pop("first")), _number(fields.pop("last"))
        allowed = {*TEXTS, *LIMITS, "tags", "metadata", "created_at", "ended_at", "id", "usage", "checkpoints"}
        _require(fields.keys() <= allowed, "it has an unknown field")
        given = {
            name: fields[name]
            for name in ("name", "description", "created_by", "tags", "metadata", *LIMITS)
            if name in fields
        }
        fields |= inputs.fields_of(**given)
        inputs.check_size(given, self._sessions.home.max_value_bytes)
        for name in ("reason", "overtime", "correlation_id"):
            inputs.check_text(name, fields.get(name, ""), inputs.LONGEST_TEXT)
        _require(fields["status"] in STATUSES, "it has an unknown status")
        _require(0 < len(fields["correlation_id"].encode()) <= inputs.LONGEST_NAME, "its correlation id is wrong")
        _number(fields["created_at"], LATEST)
        _number(fields.get("ended_at", 0), LATEST)
        if "parent" in fields:
            _id(fields["parent"])
        return first, last, fields

    def _usage(self, told: dict[str, Any], now: int) -> Usage:
        usage = Usage(now)
        usage.sequence, usage.operation_count = _number(told["sequence"]), _number(told["operation_count"])
        return usage

    def _checkpoint(self, body: bytes, session_id: str) -> Checkpoint:
        told = _map(body)
        inputs.check_text("label", told["label"], inputs.LONGEST_NAME)
        counts = (_number(told["artifact_count"]), _number(told["artifact_bytes"]))
        at = _number(told["created_at"], LATEST)
        return Checkpoint(session_id, 0, _id(told["id"]), told["label"], at, 0, *counts)

    def _value(self, body: bytes, count: int) -> tuple[str, int, int, dict[str, Any]]:
        told = _map(body)
        first, last = _number(told["first"], count), _number(told["last"], count)
        _require(first <= last, "a value has no place")
        _require(told["class"] in CLASSES, "a value has a class that cannot be imported")
        schema = told["schema"]
        _require(len(schema) == 3 and all(_number(part, 65535) >= 0 for part in schema), "a schema version is wrong")
        for name in ("created_at", "updated_at", "expires_at"):
            _number(told[name], LATEST)
        payload = told["payload"]
        values.check(values.decode(payload))
        admit(payload, told["class"], self._sessions.home.max_value_bytes)
        return told["key"], first, last, told

    def _values(
        self, transaction: Transaction, session: bytes, moments: list[int],
        told: Iterator[tuple[str, int, int, dict[str, Any]]],
    ) -> None:  # fmt: skip
        """Put the values of the scope where the store has them, of now and of every checkpoint."""
        sessions, now = self._sessions, len(moments) - 1
        scope = Scope.session(layout.id_text(session))
        before: tuple[bytes, int] = (b"", -1)
        changed: set[bytes] = set()
        with sessions.in_state(transaction) as in_state:
            for name, first, last, fields in told:
                key = state_key(scope, name)
                _require((key, first) > before, "its values are out of order")
                is_next = before[0] == key and before[1] + 1 == first
                if not sessions.is_shared and before[0] == key and not is_next:
                    copies.put(transaction.main, session, before[0][len(scope.prefix) :], moments[before[1] + 1], b"")
                before = (key, last)
                saved = _record(key, fields, moments[first])
                if sessions.is_shared:
                    if last < now:
                        kept_key = keys.kept_key(key, moments[last + 1])
                        packed = journal.pack_retired(kept_key, SAVE, transaction.now, saved)
                        transaction.main.put(kept_key, packed)
                        continue
                elif first < now:
                    copies.put(transaction.main, session, key[len(scope.prefix) :], moments[first], saved)
                    if last < now:
                        continue
                if last == now and sessions.state is not None:
                    version = moments[first] if sessions.is_shared else 0
                    in_state.reinstate(key, Record(key, saved), version)
                    changed.add(key)
            sessions.silence(in_state, changed)

    def _timeline(self, main: WriteTransaction, session: bytes, usage: Usage, pending: "_Pending") -> None:
        last = 0
        for body in pending.all_of(ENTRY):
            told = _map(body)
            seq = _number(told["seq"], usage.sequence)
            _require(seq > last, "its timeline is out of order")
            last = seq
            _require(told["kind"] in timeline.CODES, "its timeline has an unknown kind")
            _require(type(told["data"]) is dict and not timeline.RESERVED & told["data"].keys(), "an entry is wrong")
            inputs.check_text("correlation_id", told["correlation_id"], inputs.LONGEST_NAME)
            at = _number(told["at"], LATEST)
            timeline.write(main, session, seq, at, told["kind"], told["correlation_id"], told["data"])
        for body in pending.all_of(EXECUTION):
            told = _map(body)
            seq, packed = _number(told["seq"], usage.sequence), told["packed"]
            executions.check(packed)
            executions.write(main, session, seq, packed)

    def _attached(self, transaction: Transaction, session_id: str, versions: list[int], pending: "_Pending") -> None:
        known = {each.name: each for each in self._sessions.attachments}
        for body in pending.all_of(ATTACHED):
            attached = known.pop(body.decode(), None)
            _require(attached is not None, f"it holds {body[:40]!r}, which is unknown here")
            if attached is not None:
                attached.imported(transaction, session_id, versions, _pairs(pending.all_of(ATTACHMENT)))
                _require(next(pending.all_of(ATTACHMENT), None) is None, "it owns what nobody knows")


class _Pending:
    """The frames that are still to come, taken in runs of one kind."""

    def __init__(self, frames: Iterator[tuple[int, bytes]]) -> None:
        self._frames = frames
        self._next = next(frames, None)

    def all_of(self, kind: int) -> Iterator[bytes]:
        """The frames of a kind, up to the first of another one; what stands between them may be taken by others."""
        while self._next is not None and self._next[0] == kind:
            body = self._next[1]
            self._next = next(self._frames, None)
            yield body

    def is_done(self) -> bool:
        return self._next is None


def _spans(sessions: Sessions, txn: ReadTransaction, session: bytes, versions: list[int]) -> Iterator[Span]:
    """Every value that the scope has now, or had at a checkpoint, each once, by key and place."""
    prefix = Scope.session(layout.id_text(session)).prefix
    if sessions.is_shared:
        yield from _shared_spans(txn, prefix, versions)
        return
    now = len(versions)
    spans = list(copies.spans(txn, session, prefix, versions))
    if sessions.state is not None:
        with sessions.state.store.read() as state_txn:
            spans += [(each.key[len(prefix) :], now, now, each) for each in checkpoints.records_of(state_txn, prefix)]
    yield from sorted(spans, key=lambda span: span[:2])


def _shared_spans(txn: ReadTransaction, prefix: bytes, versions: list[int]) -> Iterator[Span]:
    for key in kept.scope_keys(txn, prefix):
        spans: dict[int, Span] = {}
        name = key[len(prefix) :]
        for found, end in kept.lives(txn, key):
            first = bisect_left(versions, found.version)
            last = len(versions) if end is None else bisect_left(versions, end) - 1
            if first <= last:
                spans[first] = (name, first, last, found)
        yield from (spans[first] for first in sorted(spans))


def _details(
    txn: ReadTransaction, session: bytes, current: Details, versions: list[int]
) -> Iterator[tuple[int, int, Details]]:
    """What the session was at its checkpoints and is now, each with the first and last place."""
    lives = [*checkpoints.older_details(txn, session), current]
    for each, following in zip(lives, [*lives[1:], None], strict=True):
        first = bisect_left(versions, each.version)
        last = len(versions) if following is None else bisect_left(versions, following.version) - 1
        if first <= last:
            yield first, last, each


def _usage(usage: Usage) -> dict[str, int]:
    return {"sequence": usage.sequence, "operation_count": usage.operation_count}


def _checkpoint(checkpoint: Checkpoint) -> dict[str, Any]:
    names = ("id", "label", "created_at", "artifact_count", "artifact_bytes")
    return {name: getattr(checkpoint, name) for name in names}


def _value(name: bytes, first: int, last: int, found: Record) -> dict[str, Any]:
    return {
        "key": name.decode(),
        "first": first,
        "last": last,
        "class": found.class_code,
        "schema": list(found.schema),
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "expires_at": found.expires_at,
        "payload": found.payload,
    }


def _record(key: bytes, told: dict[str, Any], version: int) -> bytes:
    times = (told["created_at"], told["updated_at"], told["expires_at"])
    header = HEADER.pack(record.FORMAT, told["class"], *told["schema"], version, *times)
    return record.seal(key, header, told["payload"])


def _same_session(fields: dict[str, Any], present: dict[str, Any]) -> dict[str, Any]:
    """What never changes in a session's life is the same at every checkpoint."""
    return {**fields, "created_at": present["created_at"], "correlation_id": present["correlation_id"]}


def _pairs(bodies: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for body in bodies:
        end = 4 + int.from_bytes(body[:4], "little")
        _require(len(body) >= end >= 4, "a part of what it owns is damaged")
        yield body[4:end], body[end:]


def _map(body: bytes) -> dict[str, Any]:
    told = values.decode(body)
    _require(type(told) is dict and all(type(name) is str for name in told), "a part of it is no map")
    values.check(told)
    fields: dict[str, Any] = told
    return fields


def _id(text: object) -> str:
    id_bytes(text)
    return str(text)


def _number(value: object, most: int = _MAX_COUNT) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{value!r} is no number from 0 to {most}")
    return value


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise ValueError(problem)
