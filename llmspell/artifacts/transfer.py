"""The artifacts of a session on their way into a file and out of one.

A run of pairs: for every content its pieces, plain, each with `c` and the content's hash in front; then for every artifact
`a` and what is known about it, encoded. Checkpoints are told by their place in the file, the present is the last place.
"""

from itertools import pairwise

from llmspell import values
from llmspell.artifacts import catalogue, content, layout
from llmspell.artifacts.artifact import MAX_FILE_BYTES, UNKNOWN, Artifact, check_fields
from llmspell.artifacts.catalogue import Totals
from llmspell.artifacts.upload import Upload
from llmspell.errors import Corrupt, LlmspellError
from llmspell.sessions.layout import id_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from llmspell.state.manager import StateManager
    from llmspell.state.transaction import Transaction
    from llmspell.storage.store import ReadTransaction

CONTENT, ARTIFACT = b"c", b"a"
_KEPT = (
    "name", "type", "mime_type", "form", "tags", "custom", "description", "version", "created_at", "created_by",
    "parent_artifact",
)  # fmt: skip
_WRONG = "an artifact in the file is not what an export writes"


def exported(txn: "ReadTransaction", session: bytes, versions: "Sequence[int]") -> "Iterator[tuple[bytes, bytes]]":
    """Everything that a session has, and had at the checkpoints of these versions."""
    everything = [each for kind in (layout.ARTIFACTS, layout.DELETED) for each in catalogue.owned(txn, session, kind)]
    for hash in dict.fromkeys(each.hash for each in everything):
        for piece in content.pieces(txn, hash):
            yield CONTENT + hash, piece
    own = id_text(session) + "/"
    for each in everything:
        fields = {name: getattr(each, name) for name in _KEPT}
        if each.parent_artifact.startswith(own):
            fields["parent_artifact"] = "/" + each.parent_artifact[len(own) :]
        fields["sequence"], fields["hash"] = each.sequence, each.hash
        fields["places"] = [place for place, version in enumerate(versions) if catalogue.was_there(each, version)]
        if not each.spans[-1][1]:
            fields["places"].append(len(versions))
        yield ARTIFACT, values.encode(fields)


def imported(
    manager: "StateManager", transaction: "Transaction", session: bytes, versions: "Sequence[int]",
    pairs: "Iterator[tuple[bytes, bytes]]", threshold: int,
) -> None:  # fmt: skip
    """Give a new session what `exported` gave. Raises Corrupt at the first pair that is wrong."""
    sizes: dict[bytes, tuple[int, int]] = {}
    totals = Totals()
    sequences: set[int] = set()
    pair = next(pairs, None)
    while pair is not None and pair[0][:1] == CONTENT:
        hash = pair[0][1:]
        with Upload(manager, threshold) as upload:
            while pair is not None and pair[0] == CONTENT + hash:
                upload.write(pair[1])
                if upload.size > MAX_FILE_BYTES:
                    raise Corrupt("a content in the file is too large")
                pair = next(pairs, None)
            if upload.finish() != hash or hash in sizes:
                raise Corrupt("a content in the file does not match its hash")
            found = upload.hand_over(transaction)
        sizes[hash] = found.size, found.stored
    while pair is not None:
        if pair[0] != ARTIFACT:
            raise Corrupt(_WRONG)
        _add(transaction, session, versions, pair[1], sizes, sequences, totals)
        pair = next(pairs, None)
    # What the contents were held by until here.
    content.release(transaction.main, sizes)
    if sequences:
        totals.sequence = max(sequences)
        totals.write(transaction.main, session)


def _add(
    transaction: "Transaction", session: bytes, versions: "Sequence[int]", packed: bytes,
    sizes: dict[bytes, tuple[int, int]], sequences: set[int], totals: Totals,
) -> None:  # fmt: skip
    fields = _fields(packed)
    sequence, hash, places = fields.pop("sequence"), fields.pop("hash"), fields.pop("places")
    if hash not in sizes or type(sequence) is not int or not 0 < sequence < 2**63 or sequence in sequences:
        raise Corrupt(_WRONG)
    sequences.add(sequence)
    spans = _spans(places, versions, transaction.version)
    if fields["parent_artifact"].startswith("/"):
        fields["parent_artifact"] = id_text(session) + fields["parent_artifact"]
    size, stored = sizes[hash]
    made = Artifact.make(
        session, sequence, hash=hash, size=size, stored_size=stored, shared=0, grants={}, spans=spans, **fields
    )
    main = transaction.main
    content.refer(main, content.need(main, hash))
    if spans[-1][1]:
        key = layout.DELETED + session + sequence.to_bytes(8, "big")
        main.put(key, made.pack(key))
    else:
        if main.get(layout.name_key(session, made.name, made.version)) is not None:
            raise Corrupt(_WRONG)
        catalogue.put(main, made)
        totals.add(made)


def _fields(packed: bytes) -> "dict[str, Any]":
    """What is told about one artifact, checked."""
    fields = values.decode(packed)
    if not isinstance(fields, dict) or set(fields) != {*_KEPT, "sequence", "hash", "places"}:
        raise Corrupt(_WRONG)
    try:
        values.check(fields)
        check_fields(fields)
    except LlmspellError as error:
        raise Corrupt(f"{_WRONG}: {error.message}") from None
    numbers = fields["version"], fields["created_at"]
    if any(type(each) is not int or not 0 < each < 2**62 for each in numbers) or fields["form"] not in range(
        UNKNOWN + 1
    ):
        raise Corrupt(_WRONG)
    return fields


def _spans(places: "Any", versions: "Sequence[int]", now: int) -> list[list[int]]:
    """The spans of an artifact that was there at these checkpoints, each to the next commit, or at present."""
    if not isinstance(places, list) or not places or any(type(each) is not int for each in places):
        raise Corrupt(_WRONG)
    if any(after <= before for before, after in pairwise(places)):
        raise Corrupt(_WRONG)
    if places[0] < 0 or places[-1] > len(versions):
        raise Corrupt(_WRONG)
    return [[now, 0] if place == len(versions) else [versions[place], versions[place] + 1] for place in places]
