"""What a session owns besides the values of its scope, such as its artifacts."""

from abc import ABC, abstractmethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmspell.state.transaction import Transaction
    from llmspell.storage.store import ReadTransaction


class Attachments(ABC):
    """Takes part in what happens to a session as a whole, each time within the session's own transaction.

    `transaction` is one of the store that the sessions are in; what is written into its `main` commits with the session's
    own change, or not at all. `version` is that of a checkpoint: what the session owned right after that commit. Nothing
    here counts against a limit: the counters of the session are put right by the sessions.
    """

    name: str
    """What an export calls it."""

    @abstractmethod
    def restore(self, transaction: "Transaction", session_id: str, version: int) -> None:
        """Let the session own again what it owned at a checkpoint, and nothing else."""

    @abstractmethod
    def fork(self, transaction: "Transaction", origin_id: str, new_id: str, version: int | None) -> None:
        """Give the new session what another one owned at a checkpoint, or owns now."""

    @abstractmethod
    def delete(self, transaction: "Transaction", session_id: str) -> None:
        """Let go of everything of a session: it and all of its checkpoints go."""

    @abstractmethod
    def prune(self, transaction: "Transaction", session_id: str, versions: "Sequence[int]") -> None:
        """Let go of what is neither owned now nor at one of these versions, in ascending order: no checkpoint needs it."""

    @abstractmethod
    def exported(
        self, txn: "ReadTransaction", session_id: str, versions: "Sequence[int]"
    ) -> "Iterator[tuple[bytes, bytes]]":
        """Everything of a session, now and at its checkpoints, as pairs of any bytes, each of at most 1 MiB.

        `versions` are those of the checkpoints, ascending. The store may have others at the import, so a version is to be
        told by its place among them, and the present by their number.
        """

    @abstractmethod
    def imported(
        self,
        transaction: "Transaction",
        session_id: str,
        versions: "Sequence[int]",
        pairs: "Iterator[tuple[bytes, bytes]]",
    ) -> None:
        """Give a new session what `exported` gave, in its order; `versions` are now those of the new checkpoints.

        The pairs come from a file that anybody may have made: raises Corrupt at the first one that is wrong.
        """

    @abstractmethod
    def totals(self, txn: "ReadTransaction", session_id: str) -> tuple[int, int]:
        """How many things the session owns now, and their bytes: what the session's counters must say."""
