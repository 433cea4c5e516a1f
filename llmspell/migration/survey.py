"""`Survey`: one look at everything a request is about, before anything is changed."""

from hashlib import blake2b

from llmspell.migration.documents import STAMP, Changer, Selection
from llmspell.migration.version import Version
from llmspell.state.transaction import Head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.migration.documents import Group
    from llmspell.migration.schema import Step
    from llmspell.migration.upgrade import Schemas
    from llmspell.storage.store import ReadTransaction

_HASHED_AT_ONCE = 1000


class Survey:
    """How many documents of which group there are, their steps, and a `hash` over all; up to `samples` of them.

    `above` counts those above the target that no step leads down from, which are left out. `version` is that of the store.
    Raises MigrationError when documents have no way, or a function is not known, and Corrupt.
    """

    def __init__(
        self, txn: "ReadTransaction", selection: Selection, changer: Changer, schemas: "Schemas", samples: int = 0
    ) -> None:
        self.version = Head.read(txn).version
        self.counts: dict[Group, int] = {}
        self.above = 0
        self.samples: list[tuple[bytes, bytes, bytes]] = []
        known = blake2b(digest_size=16)
        parts: list[bytes] = []
        counts, group_of = self.counts, changer.group
        for key, stored, stamp in selection.read(txn):
            group = group_of(key, stamp)
            if group not in counts:
                if changer.upgrade(group) is None:
                    self.above += 1
                    continue
                counts[group] = 0
            counts[group] += 1
            parts.append(stored[-4:])  # the record's checksum, over its key, its version and its value
            if len(parts) > _HASHED_AT_ONCE:
                known.update(b"".join(parts))
                parts = []
            if len(self.samples) < samples:
                self.samples.append((key, stored, stamp))
        known.update(b"".join(parts))
        self.steps: list[Step] = changer.declared(counts)
        schema = schemas.get(selection.target)
        known.update(repr((schema and schema.document(), [step.document() for step in self.steps])).encode())
        self.hash = known.hexdigest()

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def lowest(self) -> Version | None:
        """The lowest version that documents come from."""
        stamps = {group if isinstance(group, bytes) else group[0] for group in self.counts}
        return min(map(STAMP.unpack, stamps), default=None)
