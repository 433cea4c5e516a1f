"""What becomes of a session's artifacts when something happens to the session as a whole."""

from collections import Counter

from llmspell.artifacts import catalogue, content, index, layout, transfer
from llmspell.artifacts.catalogue import Totals
from llmspell.sessions.attachments import Attachments
from llmspell.sessions.layout import id_bytes, id_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmspell.state.manager import StateManager
    from llmspell.state.transaction import Transaction
    from llmspell.storage.store import ReadTransaction


class ArtifactAttachments(Attachments):
    """The artifacts of the sessions in the store of `manager`. Who may read what is not part of a checkpoint."""

    name = "artifacts"

    def __init__(self, manager: "StateManager", compression_threshold: int) -> None:
        self._manager = manager
        self._threshold = compression_threshold

    def restore(self, transaction: "Transaction", session_id: str, version: int) -> None:
        main, session = transaction.main, id_bytes(session_id)
        totals = Totals.read(main, session)
        for each in list(catalogue.owned(main, session)):
            if not catalogue.was_there(each, version):
                catalogue.remove(transaction, each)
                totals.add(each, -1)
        for each in list(catalogue.owned(main, session, layout.DELETED)):
            if catalogue.was_there(each, version):
                catalogue.revive(transaction, each)
                totals.add(each)
        totals.write(main, session)

    def fork(self, transaction: "Transaction", origin_id: str, new_id: str, version: int | None) -> None:
        main, origin, session = transaction.main, id_bytes(origin_id), id_bytes(new_id)
        totals = Totals()
        for each in list(catalogue.owned_at(main, origin, version)):
            if each.parent_artifact.startswith(origin_id):
                each.parent_artifact = new_id + each.parent_artifact[len(origin_id) :]
            copy = each.copied(session, grants={}, shared=each.size, spans=[[transaction.version, 0]])
            catalogue.put(main, copy)
            content.refer(main, content.need(main, copy.hash))
            totals.add(copy)
        if totals.count:
            totals.write(main, session)

    def delete(self, transaction: "Transaction", session_id: str) -> None:
        main, session = transaction.main, id_bytes(session_id)
        hashes: Counter[bytes] = Counter()
        for kind in (layout.ARTIFACTS, layout.DELETED):
            for each in list(catalogue.owned(main, session, kind)):
                hashes[each.hash] += 1
                if kind == layout.ARTIFACTS:
                    index.remove(main, each)
        content.release(main, hashes.elements())
        self._take_grants(transaction, session)
        for kind in (layout.ARTIFACTS, layout.DELETED, layout.NAMES):
            for key in list(main.scan_keys(*layout.session_range(kind, session))):
                main.delete(key)
        main.delete(layout.COUNTERS + session)

    def prune(self, transaction: "Transaction", session_id: str, versions: "Sequence[int]") -> None:
        main, session = transaction.main, id_bytes(session_id)
        for each in list(catalogue.owned(main, session, layout.DELETED)):
            catalogue.keep(main, each, versions)
        for each in list(catalogue.owned(main, session)):
            spans = catalogue.trimmed(each, versions)
            if spans != each.spans:
                each.spans = spans
                catalogue.rewrite(main, each)

    def exported(
        self, txn: "ReadTransaction", session_id: str, versions: "Sequence[int]"
    ) -> "Iterator[tuple[bytes, bytes]]":
        return transfer.exported(txn, id_bytes(session_id), versions)

    def imported(
        self,
        transaction: "Transaction",
        session_id: str,
        versions: "Sequence[int]",
        pairs: "Iterator[tuple[bytes, bytes]]",
    ) -> None:
        transfer.imported(self._manager, transaction, id_bytes(session_id), versions, pairs, self._threshold)

    def totals(self, txn: "ReadTransaction", session_id: str) -> tuple[int, int]:
        totals = Totals.read(txn, id_bytes(session_id))
        return totals.count, totals.bytes

    def _take_grants(self, transaction: "Transaction", session: bytes) -> None:
        """The artifacts of others that a session was granted, it is granted no more."""
        main = transaction.main
        prefix = index.readable_by(session)
        for key in list(main.scan_keys(prefix, prefix + b"\xff" * 33)):
            found = catalogue.get(main, key[-24:-8], int.from_bytes(key[-8:], "big"))
            if found is not None:
                found.grants.pop(id_text(session), None)
                catalogue.rewrite(main, found)
            main.delete(key)
