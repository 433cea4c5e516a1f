"""The index of the sessions: by status, name and parent, each oldest first, and how many are open."""

from llmspell.errors import Corrupt
from llmspell.sessions.layout import BY_NAME, BY_PARENT, BY_STATUS, FORMAT, OPEN, STATUSES, after, id_bytes, unseal
from llmspell.sessions.session import OPEN as OPEN_STATUSES
from llmspell.storage import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmspell.sessions.layout import Details
    from llmspell.storage.store import ReadTransaction, WriteTransaction

_FORMAT = bytes([FORMAT])
_TIME_BYTES = 8


def keys_of(session: bytes, details: "Details") -> list[bytes]:
    """The entries that a session has in the index."""
    fields = details.fields
    entry = fields["created_at"].to_bytes(_TIME_BYTES, "big") + session
    found = [_status(fields["status"]) + entry]
    if fields.get("name"):
        found.append(_name(fields["name"]) + entry)
    if fields.get("parent"):
        found.append(_parent(fields["parent"]) + entry)
    return found


def change(main: "WriteTransaction", session: bytes, old: "Details | None", new: "Details | None") -> None:
    """Put the index right for a session that is made, changed or deleted."""
    before = () if old is None else keys_of(session, old)
    wanted = () if new is None else keys_of(session, new)
    if before != wanted:
        for key in before:
            if key not in wanted:
                main.delete(key)
        for key in wanted:
            if key not in before:
                main.put(key, b"")
    step = is_open(new) - is_open(old)
    if step:
        _set_open(main, open_count(main) + step)


def is_open(details: "Details | None") -> bool:
    """Whether a session counts towards the number of sessions."""
    return details is not None and details.fields["status"] in OPEN_STATUSES


def open_count(txn: "ReadTransaction") -> int:
    """How many sessions are open; raises Corrupt."""
    value = txn.get(OPEN)
    return 0 if value is None else unpack_open(value)


def unpack_open(value: bytes) -> int:
    """The number of open sessions as it is stored; raises Corrupt."""
    return int.from_bytes(unseal(OPEN, value, "the number of open sessions")[1:], "little")


def _set_open(main: "WriteTransaction", count: int) -> None:
    main.put(OPEN, record.seal(OPEN, _FORMAT, max(0, count).to_bytes(8, "little")))


def find(
    txn: "ReadTransaction", statuses: "Iterable[str]", name: str | None, parent: str | None,
    earliest: int, latest: int, reverse: bool,
) -> "Iterator[bytes]":  # fmt: skip
    """The sessions made at a time from `earliest` to `latest`, oldest first or newest first.

    With `name` or `parent` those, of any status; else those of the statuses.
    """
    if parent is not None:
        starts = [_parent(parent)]
    elif name:
        starts = [_name(name)]
    else:
        starts = [_status(status) for status in statuses]
    scans = [
        txn.scan_keys(start + _time(earliest), min(start + _time(latest + 1), after(start)), reverse=reverse)
        for start in starts
        if earliest <= latest
    ]
    if len(scans) == 1:
        return (key[-16:] for key in scans[0])
    from heapq import merge

    return (key[-16:] for key in merge(*scans, key=lambda key: key[-24:], reverse=reverse))


def examine(key: bytes, value: bytes) -> str | None:
    """What is wrong with one entry of the index, or None."""
    if key == OPEN:
        try:
            unpack_open(value)
        except Corrupt as error:
            return error.message
    elif value:
        return f"the index of sessions has a value at {key!r}"
    return None


def _status(status: str) -> bytes:
    return BY_STATUS + bytes([STATUSES.index(status)])


def _name(name: str) -> bytes:
    return BY_NAME + name.encode() + b"\0"


def _parent(parent: str) -> bytes:
    return BY_PARENT + id_bytes(parent)


def _time(at: int) -> bytes:
    return min(max(at, 0), 2**64 - 1).to_bytes(_TIME_BYTES, "big")
