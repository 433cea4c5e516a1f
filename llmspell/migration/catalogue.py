"""`Catalogue`: the schemas that a store knows, and the version that is current."""

from llmspell.errors import Conflict, SchemaError
from llmspell.ids import new_id
from llmspell.migration import layout
from llmspell.migration import version as versions
from llmspell.migration.compatibility import check_level
from llmspell.migration.fields import is_same
from llmspell.migration.schema import COMPATIBILITY, Schema
from llmspell.migration.transforms import Functions
from llmspell.migration.upgrade import find_steps
from llmspell.migration.version import Version
from llmspell.state.view import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmspell.migration.schema import Step
    from llmspell.state.manager import StateManager
    from llmspell.storage.store import ReadTransaction, WriteTransaction


class Catalogue:
    """Schemas by version, as a transaction sees them. Kept in the store, so that all processes agree.

    `functions` are those that this process knows. The current version is what saves are stamped with: `default` until a
    migration moves it to `moved_to`; with `follows_latest`, the latest registered version when that is higher. Paths in
    errors count places in lists from `first_index`, as the language that runs does.
    """

    def __init__(self, *, default: Version, compatibility: str = "backward", follows_latest: bool = False) -> None:
        if compatibility not in COMPATIBILITY:
            raise SchemaError(f"unknown compatibility {compatibility!r}; the levels are {', '.join(COMPATIBILITY)}")
        self.functions = Functions()
        self.first_index = 0
        self.schemas: dict[Version, Schema] = {}
        self.current = default
        self.moved_to: Version | None = None
        self._default = default
        self._compatibility = compatibility
        self._follows_latest = follows_latest
        self._seen: bytes | None = None

    def refresh(self, txn: "ReadTransaction") -> "Catalogue":
        """Take over what the transaction sees; costs one look-up when nothing has changed. Raises Corrupt."""
        head = txn.get(layout.CURRENT)
        if head != self._seen:
            self._read(txn, head)
        return self

    def register(self, manager: "StateManager", definition: object) -> Version:
        """Add a schema, given as its definition; its version. Commits, or joins the transaction of this thread.

        Registering the same again changes nothing, and makes its functions known. Raises SchemaError when the definition
        is wrong or breaks its compatibility, and Conflict when the version is there with other content.
        """
        functions = Functions()
        schema = Schema.read(definition, functions)
        schema.compatibility = schema.compatibility or self._compatibility
        document = schema.document()
        with View(manager) as view:
            is_there = self._check(view.main, schema, document)
        if not is_there:
            with manager.transaction() as transaction:
                if not self._check(transaction.main, schema, document):
                    layout.write(transaction.main, layout.schema_key(schema.version), document)
                    self.write_head(transaction.main)
        self.functions.update(functions)
        return schema.version

    def write_head(self, txn: "WriteTransaction", current: Version | None = None, *, is_moved: bool = False) -> None:
        """Make all processes read again; with `is_moved`, set the current version, or with None give it up."""
        head = layout.read(txn, layout.CURRENT) or {"current": None}
        # Not a count: after a savepoint was undone, a count would come to the same number with other schemas.
        head["mark"] = new_id()
        if is_moved:
            head["current"] = None if current is None else versions.text(current)
        layout.write(txn, layout.CURRENT, head)

    def covering(self, scope: str, key: str) -> Schema | None:
        """The schema of the current version, when it covers the key."""
        schema = self.schemas.get(self.current)
        return schema if schema is not None and schema.covers(scope, key) else None

    def find_steps(self, source: Schema, target: Schema) -> "Sequence[Step] | None":
        """The declared steps between two schemas, those of `source` and `target` included."""
        known = {**self.schemas, source.version: source, target.version: target}
        return find_steps(known, source.version, target.version)

    def _check(self, txn: "ReadTransaction", schema: Schema, document: object) -> bool:
        """Whether the schema is there already; raises when it may not be added."""
        self.refresh(txn)
        known = self.schemas.get(schema.version)
        if known is not None:
            if not is_same(known.document(), document):
                raise Conflict(
                    f"the schema {schema.text} is registered already, with other content",
                    hint="documents may have it: register what you want to change as a new version",
                )
            return True
        earlier = [self.schemas[version] for version in sorted(self.schemas) if version < schema.version]
        check_level(schema, earlier, schema.compatibility, self.find_steps)
        return False

    def _read(self, txn: "ReadTransaction", head: bytes | None) -> None:
        schemas = {}
        for key, stored in txn.scan(layout.SCHEMAS, layout.SCHEMAS_END):
            schema = Schema.read(layout.unseal(key, stored), Functions())
            schemas[schema.version] = schema
        told = None if head is None else layout.unseal(layout.CURRENT, head)["current"]
        self.moved_to = None if told is None else versions.parse(told)
        current = self.moved_to or self._default
        if self._follows_latest and schemas:
            current = max(current, *schemas)
        self.schemas = schemas
        self.current = current
        self._seen = head
