"""The part of `State` that makes, checks and restores backups."""

from llmspell.errors import BadArgument, Interrupted, InvalidScope, LlmspellError
from llmspell.surface.model import Anything, Global, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from llmspell.backup.backups import Backups, Cleaned, Restored, Usage
    from llmspell.backup.manifest import Manifest
    from llmspell.backup.validation import Validation

    class Stoppable(Protocol):
        """Once `reason` is set, the script is ending."""

        @property
        def reason(self) -> object: ...


WRONG_ARGUMENTS = (BadArgument, InvalidScope, Interrupted)
"""What is raised; all else that goes wrong is a result."""


class BackupResult(Record):
    """One backup. `size_bytes` is what it takes in the folder, `entry_count` the values in it: of an incremental one those
    that changed. `checksum` is that of its manifest, and so of all. `created_at` is in Unix seconds. When it failed, there are
    only `success`, `error` and `code`.
    """

    text_field = "id"
    success: bool
    backup_id: str | None = None
    id: str | None = None
    type: str | None = None
    is_incremental: bool | None = None
    parent_id: str | None = None
    size_bytes: int | None = None
    entry_count: int | None = None
    created_at: float | None = None
    duration_ms: float | None = None
    checksum: str | None = None
    description: str | None = None
    scopes: list[str] | None = None
    is_encrypted: bool | None = None
    compression: str | None = None
    warnings: list[str] | None = None
    error: str | None = None
    code: str | None = None


class BackupValidation(Record):
    """What was found about a backup. `errors` say what is damaged and which entries that affects."""

    is_valid: bool
    checksum_valid: bool | None = None
    integrity_valid: bool | None = None
    chain_valid: bool | None = None
    backup_id: str | None = None
    errors: list[str] | None = None
    warnings: list[str] | None = None
    success: bool | None = None
    error: str | None = None
    code: str | None = None


class BackupRestore(Record):
    """What a restore did: the values that are there now because of it, and those removed because they came later."""

    success: bool
    backup_id: str | None = None
    restored_count: int | None = None
    removed_count: int | None = None
    safety_backup_id: str | None = None
    duration_ms: float | None = None
    dry_run: bool | None = None
    error: str | None = None
    code: str | None = None


class BackupUsage(Record):
    """What the backups take. `total_size` are the bytes of the listed backups, `stored_size` those of all files in the
    folder. Times are Unix seconds, absent without backups.
    """

    total_backups: int | None = None
    total_size: int | None = None
    full_backups: int | None = None
    incremental_backups: int | None = None
    oldest_backup: float | None = None
    newest_backup: float | None = None
    stored_size: int | None = None
    success: bool | None = None
    error: str | None = None
    code: str | None = None


class BackupDecision(Record):
    """Whether a backup stays, and why."""

    backup_id: str
    keep: bool
    reason: str


class BackupCleanup(Record):
    """What a cleanup did, or would do. `space_freed` is in bytes."""

    success: bool
    dry_run: bool | None = None
    deleted_count: int | None = None
    retained_count: int | None = None
    space_freed: int | None = None
    decisions: list[BackupDecision] | None = None
    warnings: list[str] | None = None
    error: str | None = None
    code: str | None = None


class Backup(Global):
    """With backups enabled, `State` can back up all that the runtime holds, and put it back.

    A backup is one consistent snapshot, taken while others write; ephemeral values are not in it. What goes wrong comes back as
    a result with `success = false`, `error` and `code`; wrong arguments raise.
    """

    name = "State"
    requires_setting = "[state.backup] enabled"

    def __init__(self, backups: "Backups", stop: "Stoppable") -> None:
        self._backups = backups
        self._stop = stop

    def create_backup(
        self, kind: Anything = "full", *, description: str = "", scopes: list[str] | None = None
    ) -> BackupResult:
        """Make a backup: "full", "incremental", or a boolean that says whether it is incremental.

        An incremental one holds what has changed since the newest backup, and is full when there is none. `scopes` limits a full
        backup to the values of some scopes. Its text form is its id.
        """
        if isinstance(kind, bool):
            kind = "incremental" if kind else "full"
        if kind not in ("full", "incremental"):
            raise BadArgument('kind (argument 1) must be "full", "incremental" or a boolean')
        try:
            return describe(self._backups.create(kind, description=description, scopes=scopes, progress=self._look_up))
        except WRONG_ARGUMENTS:
            raise
        except LlmspellError as error:
            return BackupResult(success=False, error=error.message, code=error.code)

    def list_backups(self, *, limit: int | None = None) -> list[BackupResult]:
        """All backups, newest first."""
        if limit is not None and limit < 0:
            raise BadArgument(f"the option 'limit' must not be negative, got {limit}")
        return [describe(manifest) for manifest in self._backups.list(limit)]

    def validate_backup(self, backup: str | BackupResult, *, restore_test: bool = False) -> BackupValidation:
        """Read every byte of a backup and of all that it builds on; with `restore_test`, restore it into a scratch store too."""
        try:
            found = self._backups.validate(str(backup), restore_test=restore_test, progress=self._look_up)
        except WRONG_ARGUMENTS:
            raise
        except LlmspellError as error:
            return BackupValidation(is_valid=False, success=False, error=error.message, code=error.code)
        return describe_validation(found)

    def restore_backup(
        self, backup: str | BackupResult, *, scope: str | None = None, dry_run: bool = False, verify: bool = True,
        backup_first: bool = True,
    ) -> BackupRestore:  # fmt: skip
        """Make the state what it was in a backup: all of it, or the values of one scope; keys that came later go.

        All or nothing. First a safety backup of the present state is made, unless there is none; its id is in the result.
        """
        try:
            done = self._backups.restore(
                str(backup), scope=scope, dry_run=dry_run, verify=verify, backup_first=backup_first,
                progress=self._look_up,
            )  # fmt: skip
        except WRONG_ARGUMENTS:
            raise
        except LlmspellError as error:
            return BackupRestore(success=False, error=error.message, code=error.code)
        return describe_restore(done, dry_run=dry_run)

    def get_storage_usage(self) -> BackupUsage:
        """What the backups take."""
        try:
            return describe_usage(self._backups.usage())
        except LlmspellError as error:
            return BackupUsage(success=False, error=error.message, code=error.code)

    def cleanup_backups(self, dry_run: bool = False) -> BackupCleanup:
        """Remove the backups that the configured policy gives up. A dry run decides the same and removes nothing."""
        try:
            return describe_cleanup(self._backups.cleanup(dry_run=dry_run), dry_run=dry_run)
        except LlmspellError as error:
            return BackupCleanup(success=False, error=error.message, code=error.code)

    def _look_up(self, _bytes: int) -> None:
        """End the work when the script is to end."""
        if self._stop.reason is not None:
            raise Interrupted("interrupted")


def describe(manifest: "Manifest") -> BackupResult:
    """A backup as scripts and commands get it."""
    return BackupResult(
        success=True,
        backup_id=manifest.id,
        id=manifest.id,
        type=manifest.kind,
        is_incremental=manifest.is_incremental,
        parent_id=manifest.parent,
        size_bytes=manifest.total_bytes,
        entry_count=manifest.values,
        created_at=manifest.created_at / 1e6,
        duration_ms=manifest.duration / 1000,
        checksum=manifest.checksum,
        description=manifest.description or None,
        scopes=manifest.scopes,
        is_encrypted=manifest.encryption is not None,
        compression=manifest.compression,
        warnings=manifest.warnings,
    )


def describe_validation(found: "Validation") -> BackupValidation:
    return BackupValidation(
        is_valid=found.is_valid,
        checksum_valid=found.checksum_valid,
        integrity_valid=found.integrity_valid,
        chain_valid=found.chain_valid,
        backup_id=found.backup_id,
        errors=found.errors,
        warnings=found.warnings,
    )


def describe_restore(done: "Restored", *, dry_run: bool) -> BackupRestore:
    return BackupRestore(
        success=True,
        backup_id=done.backup_id,
        restored_count=done.restored,
        removed_count=done.removed,
        safety_backup_id=done.safety_backup_id,
        duration_ms=done.duration / 1000,
        dry_run=dry_run,
    )


def describe_usage(usage: "Usage") -> BackupUsage:
    return BackupUsage(
        total_backups=usage.count,
        total_size=usage.total,
        full_backups=usage.full,
        incremental_backups=usage.incremental,
        oldest_backup=None if usage.oldest is None else usage.oldest / 1e6,
        newest_backup=None if usage.newest is None else usage.newest / 1e6,
        stored_size=usage.stored,
    )


def describe_cleanup(cleaned: "Cleaned", *, dry_run: bool) -> BackupCleanup:
    return BackupCleanup(
        success=True,
        dry_run=dry_run,
        deleted_count=cleaned.deleted,
        retained_count=len(cleaned.decisions) - cleaned.deleted,
        space_freed=cleaned.freed,
        decisions=[
            BackupDecision(backup_id=each.manifest.id, keep=each.keep, reason=each.reason) for each in cleaned.decisions
        ],
        warnings=cleaned.warnings,
    )
