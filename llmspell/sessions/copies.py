"""Copies of a scope's values, for sessions that are not in the state's store.

Under session, key and the version of the checkpoint that copied it stands a value, or that there was none: it holds for that
checkpoint and those after it, up to the next copy of the key. So what did not change is copied once.
"""

from bisect import bisect_left

from llmspell.sessions.layout import COPY, FORMAT, after, number_key, unseal
from llmspell.storage import record
from llmspell.storage.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmspell.storage.store import ReadTransaction, WriteTransaction

_PLAIN = bytes([FORMAT])


def add(
    main: "WriteTransaction", session: bytes, version: int, prefix: bytes, present: "Iterable[tuple[bytes, bytes]]"
) -> None:
    """Copy what the scope holds now and held otherwise, or not, at the checkpoint before."""
    last = {name: value for name, _, value in _latest(main, session, version)}
    for key, value in present:
        name = key[len(prefix) :]
        record.check(key, value)
        if last.pop(name, b"") != value:
            put(main, session, name, version, value)
    for name, value in last.items():
        if value:
            put(main, session, name, version, b"")


def records_at(txn: "ReadTransaction", session: bytes, prefix: bytes, version: int) -> "Iterator[Record]":
    """What the scope held at a checkpoint, in key order."""
    for name, _, value in _latest(txn, session, version):
        if value:
            yield Record(prefix + name, value)


def spans(
    txn: "ReadTransaction", session: bytes, prefix: bytes, versions: "list[int]"
) -> "Iterator[tuple[bytes, int, int, Record]]":
    """Every copied value: its name, the places of the first and the last checkpoint that has it, and the record."""
    entries = [(*_parts(key), key, value) for key, value in txn.scan(COPY + session, after(COPY + session))]
    for (name, start, key, value), following in zip(entries, [*entries[1:], None], strict=False):
        first, last = bisect_left(versions, start), len(versions) - 1
        if following is not None and following[0] == name:
            last = bisect_left(versions, following[1]) - 1
        stored = unseal(key, value, "the copy of a value that a checkpoint needs")[1:]
        if stored and first <= last:
            yield name, first, last, Record(prefix + name, stored)


def prune(main: "WriteTransaction", session: bytes, versions: "list[int]") -> None:
    """Let go of what no checkpoint needs any more; `versions` are those there are, ascending."""
    entries = [(*_parts(key), key) for key in main.scan_keys(COPY + session, after(COPY + session))]
    for (name, start, key), following in zip(entries, [*entries[1:], None], strict=False):
        end = following[1] if following is not None and following[0] == name else None
        if not any(version >= start and (end is None or version < end) for version in versions):
            main.delete(key)


def _latest(txn: "ReadTransaction", session: bytes, version: int) -> "Iterator[tuple[bytes, int, bytes]]":
    """Per name the last copy up to a version: its version, and the record's bytes, which are empty where there was none."""
    found: tuple[bytes, int, bytes] | None = None
    for key, value in txn.scan(COPY + session, after(COPY + session)):
        name, copied_at = _parts(key)
        if found is not None and found[0] != name:
            yield found
            found = None
        if copied_at <= version:
            found = (name, copied_at, unseal(key, value, "the copy of a value that a checkpoint needs")[1:])
    if found is not None:
        yield found


def put(main: "WriteTransaction", session: bytes, name: bytes, version: int, value: bytes) -> None:
    """Say that a key has this value, or none when it is empty, from the checkpoint of a version on."""
    key = number_key(COPY, session + name + b"\0", version)
    main.put(key, record.seal(key, _PLAIN, value))


def _parts(key: bytes) -> tuple[bytes, int]:
    """The name and the version in a copy's key."""
    return key[17:-9], int.from_bytes(key[-8:], "big")
