"""The part of `State` that migrations add: schemas, plans, migrations, rollback."""

from llmspell import values
from llmspell.migration.request import Request
from llmspell.migration.version import parse
from llmspell.state.moment import text as time_text
from llmspell.surface.model import (
    Anything,
    Callback,
    CallbackFailed,
    Choice,
    Definition,
    Global,
    LastingDefinition,
    Record,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from llmspell.migration.engine import Migrations
    from llmspell.migration.progress import Progress
    from llmspell.migration.request import Outcome


class MigrationStatus(Choice):
    """How a migration ended. A failed one has changed nothing."""

    values = ("completed", "already_current", "dry_run", "failed", "rolled_back")


class MigrationResult(Record):
    """What became of a migration. `error` and `code` are there when it failed; `items_skipped` is explained by `warnings`."""

    success: bool
    status: MigrationStatus
    from_version: str
    to_version: str
    current_version: str | None = None
    items_migrated: int
    items_skipped: int
    duration_ms: int
    migration_id: str | None = None
    backup_id: str | None = None
    plan_hash: str | None = None
    warnings: list[str]
    errors: list[str]
    error: str | None = None
    code: str | None = None
    hint: str | None = None


class MigrationSample(Record):
    """A document before and after; without `after`, `error` says why it cannot be migrated."""

    scope: str
    key: str
    before: Anything
    after: Anything = None
    error: str | None = None


class MigrationPlan(Record):
    """What a migration would do. `counts` has documents, to_migrate, already_current, newer and not_covered."""

    to_version: str
    steps: list[Anything]
    counts: dict[str, int]
    samples: list[MigrationSample]
    warnings: list[str]
    plan_hash: str


class MigrationState(Record):
    """Where the documents are. `pending` counts those that a migration to the latest version would take along.

    `unfinished` is the id of a migration whose process died: the next one to the same version resumes it.
    """

    current_version: str
    latest_version: str | None = None
    is_latest: bool
    total_schemas: int
    migration_available: bool
    migration_targets: list[str]
    pending: int
    unfinished: str | None = None
    error: str | None = None


class MigrationRecord(Record):
    """One migration that ended. `checksum` stands for the steps that ran."""

    migration_id: str
    from_version: str
    to_version: str
    status: MigrationStatus
    started_at: str
    finished_at: str
    items_migrated: int
    items_skipped: int
    scope: str | None = None
    key: str | None = None
    checksum: str
    plan_hash: str
    backup_id: str | None = None
    error: str | None = None
    code: str | None = None


class Migration(Global):
    """Documents follow their schema: a schema is registered with a version, its fields, and how documents of earlier
    versions become its own; `migrate` takes the stored documents along. `docs/migrations.md` has the rules.
    """

    name = "State"
    requires_setting = "[state.migration] enabled"

    def __init__(self, migrations: "Migrations") -> None:
        self._migrations = migrations

    def register_schema(self, schema: LastingDefinition) -> str:
        """Register a schema; its version as text.

        The table has `version`, `fields`, and optionally `scope` and `key` (patterns with `*`), `compatibility`, `additional`
        and `migration_path`. Registering the same again changes nothing; the same version with other content is
        `conflict`. A schema that is wrong, or breaks its compatibility, is `schema`, naming field and rule. Functions in it
        are not stored: register the schema again in each run that migrates with them.
        """
        return self._migrations.register(self._callable(schema))

    def migrate(self, target: Definition, key: str | None = None, version: Anything = None) -> MigrationResult:
        """Take documents to a version: `migrate(version)`, `migrate(scope, key, version)`, or `migrate({…})`.

        With the version alone, every document that its schema covers, and new saves get that version. The options are
        `to_version`, `from_version`, `scope`, `key` (patterns with `*`), `dry_run`, `plan_hash` and `transformations`. A
        document that fails stops it and everything is put back: the result has `error` and `code`. What a crash left is
        resumed by the next call to the same version. It cannot run inside a transaction.
        """
        return _result(self._migrations.migrate(self._request(target, key, version)))

    def plan_migration(self, version: Definition, *, scope: str | None = None) -> MigrationPlan:
        """What `migrate` to a version would do, with three documents before and after. Nothing is changed.

        The `plan_hash` given to `migrate` makes it fail when documents or schemas have changed since. Instead of the
        version, the options of `migrate` may be given.
        """
        request = self._request(version, None, None)
        if scope is not None:
            request = Request(
                request.target, scope=scope, key=request.key, only_from=request.only_from, steps=request.steps,
                functions=request.functions,
            )  # fmt: skip
        plan = self._migrations.plan(request)
        return MigrationPlan(
            to_version=plan.to_version,
            steps=plan.steps,
            counts=plan.counts,
            samples=[
                MigrationSample(
                    scope=sample.scope, key=sample.key, before=sample.before, after=sample.after, error=sample.error
                )
                for sample in plan.samples
            ],
            warnings=plan.warnings,
            plan_hash=plan.plan_hash,
        )

    def rollback_migration(self, migration_id: str | None = None) -> MigrationResult:
        """Put every document back as it was before the unfinished migration, or the last one that completed.

        Exact, byte for byte. A document that was changed or deleted since is left alone and counted in `items_skipped`.
        """
        return _result(self._migrations.rollback(migration_id))

    def migration_status(self) -> MigrationState:
        """The current and the latest version, and what is to be done."""
        return MigrationState(**self._migrations.status())

    def schema_versions(self) -> list[str]:
        """The registered versions, ascending."""
        return self._migrations.schema_versions()

    def migration_history(self) -> list[MigrationRecord]:
        """The migrations that ended, newest first, the last 1000."""
        return [record(progress) for progress in self._migrations.history()]

    def _request(self, target: "Any", key: str | None, version: "Any") -> Request:
        if key is not None or version is not None:
            scope = target if isinstance(target, str) else ""
            return Request.read({"scope": scope, "key": key, "to_version": version})
        if isinstance(target, dict):
            return Request.read(self._callable(target))
        return Request(parse(target))

    def _callable(self, given: "Any") -> "Any":
        """A definition in which each Callback has become a function of documents."""
        if isinstance(given, Callback):
            return self._function(given)
        if isinstance(given, dict):
            return {name: self._callable(item) for name, item in given.items()}
        return [self._callable(item) for item in given] if isinstance(given, list) else given

    def _function(self, callback: Callback) -> "Any":
        seconds = self._migrations.manager.transaction_timeout

        def change(document: "Any") -> "Any":
            try:
                return values.decode(callback(values.encode(document), seconds=seconds))
            except CallbackFailed as error:
                raise ValueError(str(error) or "it raised an error") from error

        return change


def _result(outcome: "Outcome") -> MigrationResult:
    return MigrationResult(
        success=outcome.is_success,
        status=MigrationStatus(outcome.status),
        from_version=outcome.from_version,
        to_version=outcome.to_version,
        current_version=outcome.current_version,
        items_migrated=outcome.migrated,
        items_skipped=outcome.skipped,
        duration_ms=outcome.duration_ms,
        migration_id=outcome.id or None,
        backup_id=outcome.backup_id,
        plan_hash=outcome.plan_hash or None,
        warnings=outcome.warnings,
        errors=[] if outcome.error is None else [outcome.error],
        error=outcome.error,
        code=outcome.code,
        hint=outcome.hint or None,
    )


def record(progress: "Progress") -> MigrationRecord:
    """A migration that ended, as scripts and commands see it."""
    return MigrationRecord(
        migration_id=progress.id,
        from_version=progress.from_version,
        to_version=progress.to_version,
        status=MigrationStatus(progress.outcome),
        started_at=time_text(progress.started_at),
        finished_at=time_text(progress.finished_at),
        items_migrated=progress.migrated,
        items_skipped=progress.skipped,
        scope=progress.scope or None,
        key=progress.key or None,
        checksum=progress.checksum,
        plan_hash=progress.plan_hash,
        backup_id=progress.backup_id,
        error=progress.error,
        code=progress.code,
    )
