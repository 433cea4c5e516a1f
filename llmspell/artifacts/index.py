"""Indexes: which artifacts there are, newest first, with a type, with a tag, or for a session to read.

Every entry ends in the same 32 bytes: time of creation, session, sequence. So each index lists its artifacts in the same
order, and what several have in common is found by skipping forward in turns, without reading an artifact.
"""

from llmspell.artifacts import layout
from llmspell.sessions.layout import id_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmspell.artifacts.artifact import Artifact
    from llmspell.storage.store import ReadTransaction, WriteTransaction

ALL, TYPE, TAG, READER = (layout.INDEX + kind for kind in (b"a", b"y", b"t", b"r"))
SUBJECT_BYTES = 16
PLACE_BYTES = 32
EVERYTHING = ALL + bytes(SUBJECT_BYTES)
_PATIENCE = 8
"""How many entries are passed one by one before a new scan jumps over the rest."""


def with_type(type: str) -> bytes:
    """What the entries of a type begin with."""
    return TYPE + layout.digest(type)


def with_tag(tag: str) -> bytes:
    return TAG + layout.digest(tag)


def readable_by(session: bytes) -> bytes:
    """Of what belongs to a session and of what it was granted."""
    return READER + session


def place(artifact: "Artifact") -> bytes:
    """What its entries end in."""
    return artifact.created_at.to_bytes(8, "big") + artifact.session + artifact.sequence.to_bytes(8, "big")


def key_of(place: bytes) -> bytes:
    """The key of the artifact at the end of an entry."""
    return layout.ARTIFACTS + place[8:]


def entries(artifact: "Artifact") -> "Iterator[bytes]":
    """Every entry that an artifact has."""
    end = place(artifact)
    yield EVERYTHING + end
    yield with_type(artifact.type) + end
    yield readable_by(artifact.session) + end
    for tag in artifact.tags:
        yield with_tag(tag) + end
    for session_id in artifact.grants:
        yield readable_by(id_bytes(session_id)) + end


def add(main: "WriteTransaction", artifact: "Artifact") -> None:
    put = main.put
    for key in entries(artifact):
        put(key, b"")


def remove(main: "WriteTransaction", artifact: "Artifact") -> None:
    for key in entries(artifact):
        main.delete(key)


def common(txn: "ReadTransaction", prefixes: list[bytes], after: int, before: int) -> "Iterator[bytes]":
    """The ends of the entries that all of these indexes have, newest first, created in `after <= time <= before` (µs)."""
    cursors = [_Cursor(txn, prefix, after, before) for prefix in prefixes]
    place = cursors[0].at_most(b"\xff" * PLACE_BYTES)
    while place is not None:
        target = place
        for cursor in cursors:
            found = cursor.at_most(target)
            if found is None:
                return
            target = found
        if target == place:
            yield place
            found = cursors[0].next()
            if found is None:
                return
            target = found
        place = target


class _Cursor:
    """Goes through one index from the newest entry to older ones."""

    def __init__(self, txn: "ReadTransaction", prefix: bytes, after: int, before: int) -> None:
        self._txn = txn
        self._prefix = prefix
        self._start = prefix + max(0, after).to_bytes(8, "big")
        self._found = self._scan(prefix + min(max(0, before) + 1, 2**63).to_bytes(8, "big"))
        self._place = next(self._found, None)

    def at_most(self, target: bytes) -> bytes | None:
        """The newest entry that is no newer than `target`."""
        passed = 0
        while self._place is not None and self._place > target:
            passed += 1
            if passed == _PATIENCE:
                self._found = self._scan(self._prefix + target + b"\0")
            self._place = next(self._found, None)
        return self._place

    def next(self) -> bytes | None:
        self._place = next(self._found, None)
        return self._place

    def _scan(self, end: bytes) -> "Iterator[bytes]":
        cut = len(self._prefix)
        return (key[cut:] for key in self._txn.scan_keys(self._start, end, reverse=True))
