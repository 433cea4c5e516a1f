"""`Migrations`: everything that can be done with schemas and migrations on one state."""

from time import perf_counter

from llmspell.announce import silent
from llmspell.errors import BadArgument, Conflict, Interrupted, LlmspellError, MigrationError, NotFound
from llmspell.ids import new_id
from llmspell.migration import originals
from llmspell.migration import version as versions
from llmspell.migration.catalogue import Catalogue
from llmspell.migration.documents import Changer, Selection
from llmspell.migration.lease import Lease
from llmspell.migration.progress import (
    COMPLETED,
    FAILED,
    ROLLED_BACK,
    UNDO,
    Progress,
    read_active,
    read_history,
    read_one,
)
from llmspell.migration.request import Outcome, Plan, Request, Sample, checksum, version_text
from llmspell.migration.run import Run
from llmspell.migration.schema import read_level
from llmspell.migration.survey import Survey
from llmspell.migration.version import Version
from llmspell.state.view import View
from llmspell.storage import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmspell.announce import Announce
    from llmspell.migration.transforms import Change
    from llmspell.state.manager import StateManager
    from llmspell.storage.store import ReadTransaction

SAMPLES = 3
_DROPPED_AT_ONCE = 50


class Migrations:
    """Schemas and migrations of a state. `register`, `migrate` and `rollback` may be called from many processes.

    `backup(description)` makes a backup and gives its id; it is called before a migration changes anything. `announce` is
    told `migration.started`, and at the end, as the point StateMigration too, `.completed`, `.failed` or `.rolled_back`.
    `is_stopping` is asked between batches: when it says so, Interrupted is raised and the migration can be resumed.
    """

    def __init__(
        self,
        manager: "StateManager",
        catalogue: Catalogue | None = None,
        *,
        validation_level: str = "strict",
        backup: "Callable[[str], str] | None" = None,
        is_stopping: "Callable[[], bool]" = lambda: False,
        announce: "Announce" = silent,
    ) -> None:
        self.manager = manager
        self.catalogue = catalogue or Catalogue(default=manager.schema)
        self.level = read_level(validation_level)
        self.backup = backup
        self.is_stopping = is_stopping
        self.announce = announce

    # Schemas

    def register(self, definition: object) -> str:
        """Add a schema; its version as text. See `Catalogue.register`."""
        return versions.text(self.catalogue.register(self.manager, definition))

    def add_function(self, name: str, function: "Change") -> None:
        """Make a function known to transformations that name it. It gets a document and gives one."""
        self.catalogue.functions.add(name, function)

    def schema_versions(self) -> "list[str]":
        """The registered versions, ascending."""
        with View(self.manager) as view:
            return [versions.text(version) for version in sorted(self.catalogue.refresh(view.main).schemas)]

    # Looking

    def plan(self, request: Request) -> Plan:
        """What `migrate` would do with the request. Nothing is changed. Raises MigrationError when it cannot be done."""
        with View(self.manager) as view:
            target = self._refresh(view.main, request)
            selection, changer = self._prepare(request, target)
            survey = Survey(view.main, selection, changer, self.catalogue.schemas, SAMPLES)
            plan = Plan(versions.text(target))
            plan.plan_hash = survey.hash
            plan.steps = [step.document() for step in survey.steps]
            plan.counts = {
                "documents": survey.total + selection.current + survey.above,
                "to_migrate": survey.total,
                "already_current": selection.current,
                "newer": survey.above,
                "not_covered": selection.others,
            }
            plan.warnings = self._warnings(survey, target, read_active(view.main))
            for key, stored, stamp in survey.samples:
                scope, name = keys.split(key)
                plan.samples.append(Sample(scope, name, *changer.preview(key, stored, stamp)))
        return plan

    def status(self) -> "dict[str, Any]":
        """Versions, how many documents a migration to the latest would take along, and what is unfinished."""
        with View(self.manager) as view:
            catalogue = self.catalogue.refresh(view.main)
            active = read_active(view.main)
            schemas = sorted(catalogue.schemas)
            if not schemas:
                return {
                    "current_version": "unknown", "is_latest": True, "total_schemas": 0, "migration_available": False,
                    "migration_targets": [], "pending": 0, "unfinished": None if active is None else active.id,
                    "error": "No current schema found",
                }  # fmt: skip
            latest, current = schemas[-1], catalogue.current
            targets = [version for version in schemas if version > current]
            selection, _ = self._prepare(Request(latest), latest)
            pending = sum(1 for _ in selection.read(view.main))
        return {
            "current_version": versions.text(current), "latest_version": versions.text(latest),
            "is_latest": current >= latest, "total_schemas": len(schemas), "migration_available": bool(targets),
            "migration_targets": [versions.text(version) for version in targets], "pending": pending,
            "unfinished": None if active is None else active.id,
        }  # fmt: skip

    def history(self) -> "list[Progress]":
        """The migrations that ended, newest first."""
        with View(self.manager) as view:
            return list(read_history(view.main))

    def validate(self) -> "tuple[int, list[str]]":
        """Check every document that the schema of its version covers; how many, and what is wrong, as sentences."""
        from llmspell.migration.inspection import inspect

        with View(self.manager) as view:
            return inspect(view.main, self.catalogue.refresh(view.main).schemas, self.level, self.manager.clock)

    # Migrating

    def migrate(self, request: Request, progress: "Callable[[int, int], None] | None" = None) -> Outcome:
        """Take every document of the request to its version.

        A document that fails stops it, and everything is put back: the outcome then has `error` and `code`. So it is with
        every other error, except when the store cannot be written: then what is left is resumed by the next call, or
        undone by `rollback`, as after a crash. `progress(done, total)` is called after each batch.
        """
        began = perf_counter()
        outcome = Outcome(FAILED, versions.text(self.catalogue.current), version_text(request.target) or "")
        try:
            self._refuse_transaction()
            with Lease(self.manager.store, self.manager.clock) as lease:
                self._migrate(request, outcome, lease, progress)
        except LlmspellError as error:
            if isinstance(error, Interrupted):
                raise
            outcome.fail(error)
        return self._tell(outcome, began)

    def rollback(self, migration_id: str | None = None) -> Outcome:
        """Put every document back as it was before a migration: the unfinished one, or the last one that completed.

        Exact, byte for byte. A document that was changed or deleted since is left alone and counted as skipped.
        """
        began = perf_counter()
        outcome = Outcome(FAILED, versions.text(self.catalogue.current), "")
        try:
            self._refuse_transaction()
            with Lease(self.manager.store, self.manager.clock) as lease:
                with View(self.manager) as view:
                    progress = self._to_undo(view.main, migration_id)
                progress.phase, progress.outcome = UNDO, ROLLED_BACK
                run = Run(self, progress, lease)
                run.begin()
                run.undo()
                _report_undone(outcome, progress)
                outcome.status = ROLLED_BACK
        except LlmspellError as error:
            if isinstance(error, Interrupted):
                raise
            outcome.fail(error)
        return self._tell(outcome, began)

    def _migrate(
        self, request: Request, outcome: Outcome, lease: Lease, progress: "Callable[[int, int], None] | None"
    ) -> None:
        with View(self.manager) as view:
            target = self._refresh(view.main, request)
            outcome.from_version = versions.text(self.catalogue.current)
            outcome.to_version = versions.text(target)
            active = read_active(view.main)
        if active is not None and active.phase == UNDO:
            Run(self, active, lease).undo()
            active = None
        if active is None:
            active = self._begin(request, target, outcome, lease)
        else:
            self._check_same(request, target, active)
        if active is None:
            return
        selection, changer = self._prepare(request, target, active.planned)
        run = Run(self, active, lease)
        try:
            run.apply(selection, changer, progress)
        except LlmspellError as error:
            if isinstance(error, Interrupted) or self.is_stopping():
                raise Interrupted("the migration was interrupted; the next one to this version resumes it") from error
            run.give_up(error)
            outcome.from_version = active.from_version
            outcome.id = active.id
            outcome.backup_id = active.backup_id
            raise
        outcome.status = COMPLETED
        outcome.from_version = active.from_version
        outcome.id = active.id
        outcome.backup_id = active.backup_id
        outcome.plan_hash = active.plan_hash
        outcome.migrated = active.migrated
        outcome.skipped += active.skipped
        if selection.late:
            outcome.warnings.append(
                f"{selection.late} documents were saved while the migration ran and are as they were saved; "
                "migrate again to take them along"
            )

    def _begin(self, request: Request, target: Version, outcome: Outcome, lease: Lease) -> Progress | None:
        """Plan the migration, back up, and note that it runs; None when there is nothing to run."""
        selection, changer = self._prepare(request, target)
        with View(self.manager) as view:
            survey = Survey(view.main, selection, changer, self.catalogue.schemas)
        if request.plan_hash and request.plan_hash != survey.hash:
            raise Conflict(
                "the plan does not fit any more: documents or schemas have changed since it was made",
                hint="look at a new plan",
            )
        outcome.warnings = self._warnings(survey, target, None)
        outcome.skipped = survey.above
        catalogue = self.catalogue
        moves = request.is_whole and request.target is not None and catalogue.moved_to != target
        if not survey.total and (not moves or catalogue.current == target):
            self._refuse_missing(request, selection, survey)
            outcome.status = "already_current"
            outcome.current_version = versions.text(target)
            return None
        from_version = versions.text(survey.lowest or catalogue.current)
        outcome.from_version = from_version
        if request.dry_run:
            self._try_all(selection, changer)
            outcome.status = "dry_run"
            outcome.migrated = survey.total
            outcome.plan_hash = survey.hash
            return None
        self._drop_old_originals()
        active = Progress(
            id=new_id(),
            from_version=from_version,
            to_version=versions.text(target),
            only_from=version_text(request.only_from),
            scope=request.scope,
            key=request.key,
            checksum=checksum(survey.steps),
            own_checksum=request.own_checksum,
            plan_hash=survey.hash,
            total=survey.total,
            planned=survey.version,
            moves=moves,
            previous=version_text(catalogue.moved_to),
            started_at=self.manager.clock(),
            backup_id=self.backup(f"before the migration to {versions.text(target)}") if self.backup else None,
        )
        Run(self, active, lease).begin()
        told = {"migration_id": active.id, "from_version": from_version, "to_version": active.to_version}
        self.announce("migration.started", {**told, "items": active.total})
        return active

    def _refresh(self, txn: "ReadTransaction", request: Request) -> Version:
        """The target of a request, with the schemas as they are now. Raises MigrationError when there is no such schema."""
        catalogue = self.catalogue.refresh(txn)
        if request.target is None:
            return catalogue.current
        if request.target not in catalogue.schemas and request.steps is None:
            known = ", ".join(versions.text(version) for version in sorted(catalogue.schemas)) or "none"
            raise MigrationError(
                f"there is no schema {versions.text(request.target)}", hint=f"the registered versions are: {known}"
            )
        return request.target

    def _prepare(self, request: Request, target: Version, planned: int = 2**63) -> "tuple[Selection, Changer]":
        schema = self.catalogue.schemas.get(target) if request.target is not None else None
        patterns = [(request.scope, request.key)]
        if schema is not None:
            patterns.append((schema.scope, schema.key))
        selection = Selection(
            patterns,
            target,
            only_from=request.only_from,
            includes_target=request.target is None,
            planned=planned,
            clock=self.manager.clock,
        )
        functions = self.catalogue.functions
        if request.steps is not None:
            functions = request.functions.over(functions)
        changer = Changer(
            target,
            self.level,
            self.catalogue.schemas,
            functions,
            steps=request.steps,
            is_covered=schema is not None or not self.catalogue.schemas,
            max_value_bytes=self.manager.max_value_bytes,
            first_index=self.catalogue.first_index,
        )
        return selection, changer

    def _warnings(self, survey: Survey, target: Version, active: Progress | None) -> "list[str]":
        warnings = []
        if survey.above:
            warnings.append(
                f"{survey.above} documents are above version {versions.text(target)} and have no path down; "
                "they are left as they are"
            )
        if active is not None:
            warnings.append(
                f"the migration {active.id} to {active.to_version} is unfinished; migrating to that version resumes it"
            )
        return warnings

    def _try_all(self, selection: Selection, changer: Changer) -> None:
        """Change every document and keep nothing."""
        with View(self.manager) as view:
            for key, stored, stamp in selection.read(view.main):
                changer.change(key, stored, stamp)
                if self.is_stopping():
                    raise Interrupted("the dry run was interrupted")

    def _check_same(self, request: Request, target: Version, active: Progress) -> None:
        """Raise MigrationError unless the request is the one that is unfinished."""
        asked = (
            versions.text(target),
            request.scope,
            request.key,
            version_text(request.only_from),
            request.own_checksum,
        )
        if asked != (active.to_version, active.scope, active.key, active.only_from, active.own_checksum):
            raise MigrationError(
                f"the migration {active.id} to {active.to_version} is unfinished",
                hint="migrate to that version again, which resumes it, or roll it back",
            )
        if request.plan_hash not in ("", active.plan_hash):
            raise MigrationError("the plan is not that of the unfinished migration", hint="roll it back first")
        if request.dry_run:
            raise MigrationError(
                f"the migration {active.id} is unfinished",
                hint="a dry run can be made when it is resumed or rolled back",
            )

    def _refuse_missing(self, request: Request, selection: Selection, survey: Survey) -> None:
        """Raise NotFound when one document was asked for and there is none."""
        if not request.scope or not request.key or "*" in request.scope + request.key:
            return
        if not selection.current and not survey.above:
            problem = "is no document that the schema covers" if selection.others else "does not exist"
            raise NotFound(f"the value '{request.key}' in scope '{request.scope}' {problem}")

    def _to_undo(self, txn: "ReadTransaction", migration_id: str | None) -> Progress:
        active = read_active(txn)
        if active is not None:
            if migration_id not in (None, active.id):
                raise MigrationError(
                    f"the migration {active.id} is unfinished", hint="roll it back, or resume it, first"
                )
            return active
        completed = next((each for each in read_history(txn) if each.outcome == COMPLETED), None)
        wanted = completed if migration_id is None else read_one(txn, migration_id)
        if wanted is None:
            raise MigrationError("there is no migration to roll back")
        if completed is None or wanted.outcome != COMPLETED:
            raise MigrationError(f"the migration {wanted.id} was undone already")
        if wanted.id != completed.id:
            raise MigrationError(
                f"the migration {completed.id} to {completed.to_version} came later", hint="roll that one back first"
            )
        if wanted.migrated and originals.first(txn, wanted.id) is None:
            raise MigrationError(
                f"the originals of the migration {wanted.id} are gone: they are kept for {originals.KEEP_DAYS} days",
                hint="restore the backup that was made before it",
            )
        return wanted

    def _drop_old_originals(self) -> None:
        is_done = False
        while not is_done:
            with self.manager.store.write() as txn:
                is_done = originals.drop_old(txn, self.manager.clock(), _DROPPED_AT_ONCE)

    def _refuse_transaction(self) -> None:
        if self.manager.own_transaction() is not None:
            raise BadArgument("a migration commits in batches of its own, so it cannot run inside a transaction")

    def _tell(self, outcome: Outcome, began: float) -> Outcome:
        outcome.duration_ms = round((perf_counter() - began) * 1000)
        if outcome.status in (COMPLETED, FAILED, ROLLED_BACK):
            self.announce(f"migration.{outcome.status}", outcome.facts(), point="StateMigration")
        return outcome


def _report_undone(outcome: Outcome, progress: Progress) -> None:
    outcome.id = progress.id
    outcome.from_version, outcome.to_version = progress.to_version, progress.from_version
    outcome.migrated, outcome.skipped = progress.restored, progress.left_alone
    if progress.left_alone:
        outcome.warnings.append(
            f"{progress.left_alone} documents were changed or deleted after the migration and are left as they are"
        )
