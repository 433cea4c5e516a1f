"""The timeline: what happened in a session, in the order of its numbers, written in the commit that did it."""

from struct import Struct

from llmspell import values
from llmspell.errors import BadArgument, Corrupt
from llmspell.sessions.layout import FORMAT, TIMELINE, after, id_bytes, id_text, number_key, unseal
from llmspell.sessions.session import Entry
from llmspell.storage import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from llmspell.storage.store import ReadTransaction, WriteTransaction

KINDS = (
    "", "session.created", "session.suspended", "session.resumed", "session.completed", "session.failed",
    "session.archived", "checkpoint.saved", "checkpoint.loaded", "state.saved", "state.deleted", "artifact.stored",
    "artifact.deleted", "hook.executed", "event.published",
)  # fmt: skip
"""The place of a kind is its stored code, so a new one comes last."""
CODES = {kind: code for code, kind in enumerate(KINDS) if kind}
STATE_KINDS = ("state.saved", "state.deleted")
CHECKPOINT_KINDS = ("checkpoint.saved", "checkpoint.loaded")

RESERVED = frozenset(("seq", "at", "kind", "correlation_id"))
"""What every entry has, so no entry's data has it."""

_ENTRY = Struct("<BBqB")


def write(
    main: "WriteTransaction", session: bytes, seq: int, at: int, kind: str, correlation_id: str, data: "dict[str, Any]"
) -> None:
    """Add an entry; an empty `correlation_id` is the session's own."""
    _write(main, session, seq, at, kind, correlation_id, _shorten(session, kind, data))


def write_change(
    main: "WriteTransaction", session: bytes, seq: int, at: int, kind: str, correlation_id: str, scope: str, name: str,
    version: int,
) -> None:  # fmt: skip
    """`write` for a change of the state; the session's own scope is "", as it need not be stored with each entry."""
    _write(main, session, seq, at, kind, correlation_id, [name, version, scope] if scope else [name, version])


def _write(
    main: "WriteTransaction", session: bytes, seq: int, at: int, kind: str, correlation_id: str, short: "Any"
) -> None:
    key = number_key(TIMELINE, session, seq)
    correlation = correlation_id.encode()
    header = _ENTRY.pack(FORMAT, CODES[kind], at, len(correlation)) + correlation
    main.put(key, record.seal(key, header, values.encode_known(short)))


def unpack(key: bytes, value: bytes) -> Entry:
    """An entry as it is stored; raises Corrupt. Its correlation id is "" when it is the session's own."""
    session = id_text(key[1:17])
    seq = int.from_bytes(key[17:25], "big")
    what = f"the entry {seq} of the timeline of the session {session}"
    body = unseal(key, value, what)
    _, code, at, size = _ENTRY.unpack_from(body)
    correlation = body[_ENTRY.size : _ENTRY.size + size]
    data = values.decode(body[_ENTRY.size + size :])
    if not 0 < code < len(KINDS) or not isinstance(data, dict | list):
        raise Corrupt(f"{what} is damaged")
    data = _spell_out(session, data)
    return Entry(seq, at, KINDS[code], correlation.decode(errors="replace"), data)


def _shorten(session: bytes, kind: str, data: "dict[str, Any]") -> "dict[str, Any] | list[Any]":
    """The data as it is stored: there are many entries, and most of them are of a change of the session's own scope."""
    if kind in STATE_KINDS and data.keys() == {"scope", "key", "version"}:
        own = data["scope"] == f"session:{id_text(session)}"
        return [data["key"], data["version"]] if own else [data["key"], data["version"], data["scope"]]
    if kind in CHECKPOINT_KINDS and data.keys() <= {"checkpoint_id", "version", "label"}:
        return [id_bytes(data["checkpoint_id"]), data["version"], *([data["label"]] if "label" in data else [])]
    return data


def _spell_out(session: str, data: "dict[str, Any] | list[Any]") -> "dict[str, Any]":
    if isinstance(data, dict):
        return data
    first, version, *more = data
    if type(first) is bytes:
        return {"checkpoint_id": id_text(first), "version": version, **({"label": more[0]} if more else {})}
    return {"scope": more[0] if more else f"session:{session}", "key": first, "version": version}


def read(
    txn: "ReadTransaction",
    session: bytes,
    correlation_id: str,
    kinds: "Sequence[str] | None",
    since: int,
    limit: int | None,
) -> "Iterator[Entry]":
    """The entries after the number `since`, oldest first; those of some kinds, or all."""
    wanted = None if kinds is None else {_known(kind) for kind in kinds}
    first = number_key(TIMELINE, session, min(since + 1, 2**64 - 1))
    for key, value in txn.scan(first, after(TIMELINE + session)):
        if limit is not None and limit <= 0:
            return
        entry = unpack(key, value)
        if wanted is not None and entry.kind not in wanted:
            continue
        entry.correlation_id = entry.correlation_id or correlation_id
        yield entry
        if limit is not None:
            limit -= 1


def _known(kind: str) -> str:
    if kind not in CODES:
        raise BadArgument(f"there is no timeline kind {kind!r}", hint=f"the kinds are {', '.join(CODES)}")
    return kind
