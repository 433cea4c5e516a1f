"""`Guard`: what has a say in every save and read of a state, when there is one. The seam of schemas."""

from abc import ABC, abstractmethod

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.storage.store import ReadTransaction


class Guard(ABC):
    """Asked by a StateManager whose `guard` it is. `upgrades` says whether reads are its business."""

    upgrades = False

    @abstractmethod
    def version(self, txn: "ReadTransaction") -> tuple[int, int, int]:
        """The schema version that a save in this transaction is stamped with."""

    @abstractmethod
    def before_save(self, txn: "ReadTransaction", key: bytes, payload: bytes, class_code: int) -> None:
        """Raise when a value may not be saved under a record key; then nothing is changed."""

    @abstractmethod
    def after_load(self, key: bytes, stored: bytes) -> bytes | None:
        """The record to go on with instead of the one that was read, or None when it has just gone."""
