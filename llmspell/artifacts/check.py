"""Whether what is stored of artifacts is sound, entry by entry and as a whole."""

from collections import Counter

from llmspell.artifacts import catalogue, content, index, layout
from llmspell.artifacts.artifact import Artifact
from llmspell.artifacts.catalogue import Totals
from llmspell.artifacts.layout import Content, Piece
from llmspell.errors import LlmspellError
from llmspell.sessions.layout import SESSION, id_text
from llmspell.storage import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmspell.storage.store import ReadTransaction

SPACE = b"A"
_MAX_PROBLEMS = 1000


class Verified:
    """What a verification read: `artifacts`, `pieces` of contents and their stored `bytes`; and what is wrong, as sentences."""

    __slots__ = ("artifacts", "bytes", "pieces", "problems")

    def __init__(self) -> None:
        self.artifacts = 0
        self.pieces = 0
        self.bytes = 0
        self.problems: list[str] = []


def verify(txn: "ReadTransaction", progress: "Callable[[int], object] | None" = None) -> Verified:
    """Read everything that is stored of artifacts. At most 1000 problems are told."""
    found = Verified()
    for space in (SPACE, layout.PIECES):
        for key, value in txn.scan(space, keys.next_space(space)):
            found.artifacts += key.startswith(layout.ARTIFACTS)
            if space == layout.PIECES:
                found.pieces += 1
                found.bytes += len(value)
                if progress is not None:
                    progress(len(value))
            problem = examine(key, value)
            if problem is not None and len(found.problems) < _MAX_PROBLEMS:
                found.problems.append(problem)
    if not found.problems:
        for problem in examine_index(txn):
            found.problems.append(problem)
            if len(found.problems) == _MAX_PROBLEMS:
                break
    return found


def examine(key: bytes, value: bytes) -> str | None:
    """What is wrong with one stored pair, as a sentence, or None; also for pairs of other domains, which it passes."""
    if key[:1] == layout.PIECES:
        return _told(_examine_piece, key, value)
    if key[:1] != SPACE:
        return None
    kind = key[:2]
    if kind == layout.INDEX:
        return f"an index of artifacts has a value at {key!r}" if value else None
    if kind == layout.CONTENTS:
        return _told(Content.unpack, key, value)
    if kind in (layout.ARTIFACTS, layout.DELETED):
        return _told(Artifact.unpack, key, value)
    return _told(layout.unseal, key, value)


def examine_index(txn: "ReadTransaction") -> "Iterator[str]":
    """What does not fit together, where each pair is sound: references that are counted wrong or lead nowhere, bytes that
    nothing tells of, and what the indexes, names and totals say.
    """
    references: Counter[bytes] = Counter()
    expected: set[bytes] = set()
    names: dict[bytes, int] = {}
    totals: dict[bytes, Totals] = {}
    for kind in (layout.ARTIFACTS, layout.DELETED):
        for key, value in txn.scan(kind, kind[:1] + bytes([kind[1] + 1])):
            artifact = Artifact.unpack(key, value)
            references[artifact.hash] += 1
            total = totals.setdefault(artifact.session, Totals())
            total.sequence = max(total.sequence, artifact.sequence)
            if kind == layout.ARTIFACTS:
                total.add(artifact)
                expected.update(index.entries(artifact))
                names[layout.name_key(artifact.session, artifact.name, artifact.version)] = artifact.sequence
    for key, value in txn.scan(layout.BATCHES, layout.BATCHES_END):
        references.update(content.split(layout.unseal(key, value)))
    yield from _examine_contents(txn, references)
    yield from _compare(txn, expected, names)
    yield from _examine_totals(txn, totals)


def _examine_contents(txn: "ReadTransaction", references: "Counter[bytes]") -> "Iterator[str]":
    """Whether there are bytes for every reference, references for what is counted, and no bytes besides."""
    counted: dict[bytes, int] = {}
    told: set[bytes] = set()
    for key, value in txn.scan(layout.CONTENTS, layout.CONTENTS_END):
        each = Content.unpack(key, value)
        counted[each.hash] = each.references
        told.add(each.piece)
        stored = txn.get(each.piece)
        if stored is None:
            yield f"the bytes of the content {each.hash.hex()} are missing"
            continue
        piece = Piece(each.piece, stored)
        if (piece.hash, piece.size, piece.kind == layout.LIST) != (each.hash, each.size, each.is_list):
            yield f"the bytes of the content {each.hash.hex()} are those of another one"
        elif each.is_list:
            references.update(content.list_of(txn, each))
    for hash, count in references.items():
        if counted.pop(hash, 0) != count:
            yield f"the content {hash.hex()} has {count} references, which is not what is counted"
    for hash, count in counted.items():
        if count:
            yield f"the content {hash.hex()} has no references, but {count} are counted"
    for key in txn.scan_keys(layout.PIECES, layout.PIECES_END):
        if key not in told:
            yield f"there are bytes of a content that nothing tells of (at {key.hex()})"


def _compare(txn: "ReadTransaction", expected: set[bytes], names: dict[bytes, int]) -> "Iterator[str]":
    for key in txn.scan_keys(layout.INDEX, layout.INDEX_END):
        if key in expected:
            expected.discard(key)
        else:
            yield f"an index of artifacts has an entry that no artifact has (at {key.hex()})"
    for key in expected:
        yield f"the artifact {id_text(key[-24:-8])}/{int.from_bytes(key[-8:], 'big')} is not in all indexes"
    for key, value in txn.scan(layout.NAMES, layout.NAMES_END):
        sequence = layout.unseal(key, value)
        if sequence != names.pop(key, catalogue.NOBODY):
            yield f"a name of an artifact leads to another one (at {key.hex()})"
    for key, sequence in names.items():
        yield f"the artifact {id_text(key[2:18])}/{sequence} cannot be found by its name"


def _examine_totals(txn: "ReadTransaction", totals: dict[bytes, Totals]) -> "Iterator[str]":
    for key in txn.scan_keys(layout.COUNTERS, layout.COUNTERS_END):
        totals.setdefault(key[2:], Totals())
    for session, total in totals.items():
        stored = Totals.read(txn, session)
        if txn.get(SESSION + session) is None:
            yield f"there are artifacts of the session {id_text(session)}, which does not exist"
        elif stored.fields()[1:] != total.fields()[1:] or stored.sequence < total.sequence:
            yield f"the totals of the artifacts of the session {id_text(session)} are wrong"


def _examine_piece(key: bytes, value: bytes) -> None:
    piece = Piece(key, value)
    if piece.kind != layout.LIST:
        content.unpack(piece)


def _told(read: "Callable[[bytes, bytes], object]", key: bytes, value: bytes) -> str | None:
    try:
        read(key, value)
    except LlmspellError as error:
        return error.message
    return None
