"""The catalogue: artifacts, versions of names and totals of a session, as one transaction sees and changes them.

Nothing here asks whether somebody may do it, or counts against a limit.
"""

from llmspell.artifacts import content, index, layout
from llmspell.artifacts.artifact import Artifact
from llmspell.errors import Corrupt
from llmspell.sessions import checkpoints
from llmspell.sessions.layout import SESSION, id_bytes, id_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmspell.state.transaction import Transaction
    from llmspell.storage.store import ReadTransaction, WriteTransaction

_END = b"\xff" * 9
NOBODY = 0
"""What stands for the sequence of the last version of a name that was deleted, so that its number does not come again."""


class Totals:
    """What a session has: its last sequence, and of the artifacts that are there their count and bytes. `stored_bytes` are as
    compressed, `shared_bytes` those that were there before.
    """

    __slots__ = ("bytes", "count", "sequence", "shared_bytes", "stored_bytes")

    def __init__(
        self, sequence: int = 0, count: int = 0, bytes: int = 0, stored_bytes: int = 0, shared_bytes: int = 0
    ) -> None:
        self.sequence = sequence
        self.count = count
        self.bytes = bytes
        self.stored_bytes = stored_bytes
        self.shared_bytes = shared_bytes

    @classmethod
    def read(cls, txn: "ReadTransaction", session: bytes) -> "Totals":
        """Raises Corrupt."""
        stored = layout.read(txn, layout.COUNTERS + session)
        try:
            return cls(*stored or ())
        except TypeError:
            raise Corrupt(f"the totals of the artifacts of the session {id_text(session)} are damaged") from None

    def write(self, main: "WriteTransaction", session: bytes) -> None:
        layout.write(main, layout.COUNTERS + session, self.fields())

    def fields(self) -> list[int]:
        """What is stored, in its order."""
        return [self.sequence, self.count, self.bytes, self.stored_bytes, self.shared_bytes]

    def add(self, artifact: Artifact, sign: int = 1) -> None:
        self.count += sign
        self.bytes += sign * artifact.size
        self.stored_bytes += sign * artifact.stored_size
        self.shared_bytes += sign * artifact.shared
        self.sequence = max(self.sequence, artifact.sequence)


def get(txn: "ReadTransaction", session: bytes, sequence: int) -> Artifact | None:
    """The artifact of a sequence, or None. Raises Corrupt."""
    key = layout.artifact_key(session, sequence)
    stored = txn.get(key)
    return None if stored is None else Artifact.unpack(key, stored)


def owned(txn: "ReadTransaction", session: bytes, kind: bytes = layout.ARTIFACTS) -> "Iterator[Artifact]":
    """The artifacts of a session in the order of their sequence; with `layout.DELETED`, those that only checkpoints need."""
    for key, stored in txn.scan(*layout.session_range(kind, session)):
        yield Artifact.unpack(key, stored)


def owned_at(txn: "ReadTransaction", session: bytes, version: int | None) -> "Iterator[Artifact]":
    """The artifacts that a session had right after a commit; with None, those it has now."""
    if version is None:
        yield from owned(txn, session)
        return
    for kind in (layout.ARTIFACTS, layout.DELETED):
        for each in owned(txn, session, kind):
            if was_there(each, version):
                yield each


def was_there(artifact: Artifact, version: int) -> bool:
    return any(since <= version and (not until or version < until) for since, until in artifact.spans)


def put(main: "WriteTransaction", artifact: Artifact) -> None:
    """Store an artifact that is new, or there again, with its indexes and its name."""
    key = layout.artifact_key(artifact.session, artifact.sequence)
    main.put(key, artifact.pack(key))
    layout.write(main, layout.name_key(artifact.session, artifact.name, artifact.version), artifact.sequence)
    index.add(main, artifact)


def rewrite(main: "WriteTransaction", artifact: Artifact) -> None:
    """Store what is known about an artifact; its indexes are the caller's."""
    key = layout.artifact_key(artifact.session, artifact.sequence)
    main.put(key, artifact.pack(key))


def remove(transaction: "Transaction", artifact: Artifact) -> None:
    """Take an artifact away; what a checkpoint still needs stays, with its reference, until none does."""
    main = transaction.main
    index.remove(main, artifact)
    main.delete(layout.artifact_key(artifact.session, artifact.sequence))
    _forget_name(main, artifact)
    artifact.spans[-1][1] = transaction.version
    keep(main, artifact, checkpoints.versions(main, artifact.session))


def keep(main: "WriteTransaction", artifact: Artifact, versions: "Sequence[int]") -> None:
    """Keep a deleted artifact for the checkpoints of these versions; when none needs it, its content loses the reference."""
    key = layout.DELETED + artifact.session + artifact.sequence.to_bytes(8, "big")
    artifact.spans = trimmed(artifact, versions)
    if artifact.spans:
        main.put(key, artifact.pack(key))
    else:
        main.delete(key)
        content.release(main, [artifact.hash])


def trimmed(artifact: Artifact, versions: "Sequence[int]") -> list[list[int]]:
    """The spans that are open, or that one of the versions lies in."""
    return [
        [since, until]
        for since, until in artifact.spans
        if not until or any(since <= version < until for version in versions)
    ]


def revive(transaction: "Transaction", artifact: Artifact) -> None:
    """Let a deleted artifact be there again. Grants to sessions that are gone meanwhile are gone."""
    main = transaction.main
    main.delete(layout.DELETED + artifact.session + artifact.sequence.to_bytes(8, "big"))
    if artifact.spans[-1][1] == transaction.version:
        artifact.spans[-1][1] = 0
    else:
        artifact.spans.append([transaction.version, 0])
    artifact.grants = {
        session_id: permission
        for session_id, permission in artifact.grants.items()
        if main.get(SESSION + id_bytes(session_id)) is not None
    }
    put(main, artifact)


# Versions of a name


def next_version(main: "WriteTransaction", session: bytes, name: str) -> int:
    """The number of the next version of a name: no number comes twice."""
    for key, sequence in _named(main, session, name):
        if sequence == NOBODY:
            main.delete(key)
        return int.from_bytes(key[-8:], "big") + 1
    return 1


def latest(txn: "ReadTransaction", session: bytes, name: str) -> Artifact | None:
    """The latest version of a name, or None."""
    for _, sequence in _named(txn, session, name):
        if sequence != NOBODY:
            return get(txn, session, sequence)
    return None


def versions(txn: "ReadTransaction", session: bytes, name: str) -> list[Artifact]:
    """All versions of a name, oldest first."""
    sequences = [sequence for _, sequence in _named(txn, session, name) if sequence != NOBODY]
    return [found for sequence in reversed(sequences) if (found := get(txn, session, sequence)) is not None]


def _named(txn: "ReadTransaction", session: bytes, name: str) -> "Iterator[tuple[bytes, int]]":
    """The entries of a name, newest first, with their sequences."""
    prefix = layout.name_key(session, name, 0)[:-8]
    for key, stored in txn.scan(prefix, prefix + _END, reverse=True):
        yield key, layout.unseal(key, stored)


def _forget_name(main: "WriteTransaction", artifact: Artifact) -> None:
    """Take a version off its name; the highest number is remembered."""
    key = layout.name_key(artifact.session, artifact.name, artifact.version)
    for last, _ in _named(main, artifact.session, artifact.name):
        if last == key:
            layout.write(main, key, NOBODY)
            return
        break
    main.delete(key)
