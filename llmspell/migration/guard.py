"""`SchemaGuard`: stamps and checks what is saved, and upgrades what is read."""

from llmspell import values
from llmspell.migration.catalogue import Catalogue
from llmspell.migration.documents import STAMP, STAMP_END, Changer, is_map
from llmspell.migration.fields import STRICT, Violation
from llmspell.migration.schema import describe, read_level
from llmspell.migration.version import Version
from llmspell.state.guard import Guard
from llmspell.state.transaction import Transaction
from llmspell.storage import keys
from llmspell.storage.record import EPHEMERAL, EXTERNAL, HEADER_BYTES, TRUSTED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.state.manager import StateManager
    from llmspell.storage.store import ReadTransaction


class SchemaGuard(Guard):
    """Saves get the current version, and must fit its schema when that covers the key.

    `validation_level` says how closely; trusted values are never looked at, external ones always in full. With `upgrades`,
    a covered document of a lower version is migrated when it is read, and written back. One that cannot be raises
    SchemaError, as does every later read of it, until it is saved anew.
    """

    def __init__(
        self, manager: "StateManager", catalogue: Catalogue, *, validation_level: str = "strict", upgrades: bool = False
    ) -> None:
        self.upgrades = upgrades
        self._manager = manager
        self._catalogue = catalogue
        self._level = read_level(validation_level)

    def version(self, txn: "ReadTransaction") -> Version:
        return self._catalogue.refresh(txn).current

    def before_save(self, txn: "ReadTransaction", key: bytes, payload: bytes, class_code: int) -> None:
        level = STRICT if class_code == EXTERNAL else self._level
        if not level or class_code == TRUSTED:
            return
        scope, name = keys.split(key)
        schema = self._catalogue.refresh(txn).covering(scope, name)
        if schema is not None and is_map(payload):
            try:
                schema.validate(values.decode(payload), level)
            except Violation as violation:
                raise describe(violation, scope, name, schema, class_code, self._catalogue.first_index) from None

    def after_load(self, key: bytes, stored: bytes) -> bytes | None:
        current = self._manager.own_transaction()
        if current is not None:
            catalogue = self._catalogue.refresh(current.main)
        else:
            with self._manager.store.read() as txn:
                catalogue = self._catalogue.refresh(txn)
        stamp = stored[2:STAMP_END]
        if (
            STAMP.unpack(stamp) >= catalogue.current
            or catalogue.covering(*keys.split(key)) is None
            or stored[1] == EPHEMERAL
            or not is_map(stored[HEADER_BYTES:-4])
        ):
            return stored
        changer = Changer(
            catalogue.current,
            self._level,
            catalogue.schemas,
            catalogue.functions,
            max_value_bytes=self._manager.max_value_bytes,
            first_index=catalogue.first_index,
        )
        payload = changer.change(key, stored, stamp)
        if payload is None:
            return stored
        if current is not None:
            return self._write_back(current, key, stored, payload, catalogue.current)
        with Transaction(self._manager) as transaction:
            return self._write_back(transaction, key, stored, payload, catalogue.current)

    def _write_back(
        self, transaction: Transaction, key: bytes, stored: bytes, payload: bytes, version: Version
    ) -> bytes | None:
        """Put the payload in the place of the record that was read; where another is there by now, that one counts."""
        there = transaction.fetch(key)
        if there == stored:
            transaction.rewrite([(key, stored, payload)], version)
            return transaction.fetch(key)
        return there
