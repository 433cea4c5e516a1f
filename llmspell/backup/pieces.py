"""Pieces: which of them went since a backup. They never change and each lies under the version that wrote it, so new ones
are the last ones, and old ones can only have gone: counting keys tells where, without reading what they hold.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from llmspell.backup.content import Content, Member
from llmspell.backup.manifest import Ref
from llmspell.storage.keys import PIECES
from llmspell.storage.store import ReadTransaction

_VERSION_END = 9


def gone(txn: ReadTransaction, content: Content) -> list[bytes]:
    """The keys of the pieces that a backup has and the store has not any more, in order. Raises Corrupt."""
    held = list(_refs(content))
    dead = sorted(key for member, ref, is_gone in held if is_gone for key, _ in content.owner(member, ref).read(ref))
    found: list[bytes] = []
    for member, ref, is_gone in held:
        if is_gone:
            continue
        present = set(txn.scan_keys(ref.first, ref.last + b"\0"))
        known = dead[bisect_left(dead, ref.first) : bisect_right(dead, ref.last)]
        if len(present) + len(known) != ref.entries:
            present.update(known)
            found += (key for key, _ in content.owner(member, ref).read(ref) if key not in present)
    return sorted(found)


def _refs(content: Content) -> Iterator[tuple[Member, Ref, bool]]:
    """The chunks with pieces in all of a chain, and whether each lists those that had gone by then."""
    for place, member in enumerate(content.chain):
        is_base = place == len(content.chain) - 1
        since = 0 if is_base else content.chain[place + 1].manifest.version
        for ref in member.refs:
            if ref.first[:1] == PIECES and ref.is_change is not is_base:
                yield member, ref, not is_base and int.from_bytes(ref.last[1:_VERSION_END], "big") <= since
