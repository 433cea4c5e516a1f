"""`Backups`: the backups of one store in one folder. Everything that scripts and commands do with them."""

from contextlib import suppress

from llmspell.announce import silent as unheard
from llmspell.backup.annex import Annex
from llmspell.backup.content import AskSecret, Content, Loss
from llmspell.backup.create import Maker, Options
from llmspell.backup.fill import Outcome, count, fill, fill_path, is_empty
from llmspell.backup.folder import Folder
from llmspell.backup.manifest import FULL, INCREMENTAL, Manifest
from llmspell.backup.pack import Progress, read_copy, silent
from llmspell.backup.restore import restore_scopes, restore_store
from llmspell.backup.retention import Decision, Policy, decide
from llmspell.backup.secret import PBKDF2, Secret
from llmspell.backup.validation import Validation, validate
from llmspell.errors import BackupError, BadArgument, EncryptionError, LlmspellError, NotEnabled, NotFound
from llmspell.ids import new_id
from llmspell.state.manager import StateManager
from llmspell.state.scope import Scope
from llmspell.storage.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from builtins import list as list_
    from collections.abc import Iterator

    from llmspell.announce import Announce


class Restored:
    """What a restore did. `removed` counts values that came after the backup; times are µs."""

    def __init__(self, backup_id: str, outcome: Outcome, safety_backup_id: str | None, duration: int) -> None:
        self.backup_id = backup_id
        self.restored = outcome.restored
        self.removed = outcome.removed
        self.losses: list[Loss] = outcome.losses
        self.safety_backup_id = safety_backup_id
        self.duration = duration


class Cleaned:
    """What a cleanup did, or would do."""

    def __init__(self, decisions: list[Decision], freed: int, warnings: list[str]) -> None:
        self.decisions = decisions
        self.freed = freed
        self.warnings = warnings

    @property
    def deleted(self) -> int:
        return sum(not each.keep for each in self.decisions)


class Usage:
    """What the backups take. `total` are the bytes of all that are listed, `stored` those of all files in the folder."""

    def __init__(self, manifests: list[Manifest], stored: int) -> None:
        self.count = len(manifests)
        self.incremental = sum(each.is_incremental for each in manifests)
        self.full = self.count - self.incremental
        self.total = sum(each.total_bytes for each in manifests)
        self.newest = manifests[0].created_at if manifests else None
        self.oldest = manifests[-1].created_at if manifests else None
        self.stored = stored


class Backups:
    """The backups of a state's store in the folder `path`.

    `ask_secret` finds the key; with `encrypt` new backups are encrypted. A command that changes the folder has it alone:
    others raise StorageBusy meanwhile. `progress` is called with plain bytes as they are done, and may raise to end the
    work, which then changes nothing. With an `annex`, its store is part of every backup of everything. `announce` is told what
    has happened, after the folder is free again: `backup.created` (the point BackupCreated), `backup.restored`
    (BackupRestored), `backup.removed`. Raises BackupError, Corrupt, NotFound, StorageFull, EncryptionError.
    """

    def __init__(
        self, manager: StateManager, path: str, *, ask_secret: AskSecret | None = None, encrypt: bool = False,
        key_derivation: str = PBKDF2, iterations: int = 600_000, compression: str = "zstd", compression_level: int = 3,
        allow_incremental: bool = True, policy: Policy | None = None, auto_cleanup: bool = False,
        announce: "Announce" = unheard, annex: Annex | None = None,
    ) -> None:  # fmt: skip
        self.manager = manager
        self.folder = Folder(path)
        self.policy = policy or Policy()
        self._ask = ask_secret or _no_secret
        self._secret: Secret | None = None
        self._encrypts = encrypt
        self._key_derivation = key_derivation
        self._iterations = iterations
        self._compression = compression
        self._level = compression_level
        self._allow_incremental = allow_incremental
        self._auto_cleanup = auto_cleanup
        self._announce = announce
        self._annex = annex

    def create(
        self,
        kind: str = FULL,
        *,
        description: str = "",
        scopes: "list_[str] | None" = None,
        progress: Progress = silent,
    ) -> Manifest:
        """Make a backup; an incremental one becomes full when there is nothing to build on (`warnings` say so).

        `scopes` limits it to the values of some scopes; such a backup is always full, and nothing builds on it. With
        automatic cleanup, what the policy gives up is removed afterwards.
        """
        wanted = None if scopes is None else sorted({Scope.parse(scope).text for scope in scopes})
        if kind not in (FULL, INCREMENTAL):
            raise BadArgument(f"there is no kind of backup '{kind}'; there are full and incremental")
        if wanted is not None and kind == INCREMENTAL:
            raise BadArgument("a backup of some scopes cannot be incremental")
        if wanted == []:
            raise BadArgument("a backup of no scopes holds nothing")
        if kind == INCREMENTAL and not self._allow_incremental:
            raise NotEnabled("incremental backups are off", hint="set incremental_enabled = true in [state.backup]")
        self._refuse_transaction("made")
        with self.folder.changing():
            made = self._make(kind, self.manager.clock(), description, wanted, progress)
            cleaned = self._clean_after(made) if self._auto_cleanup else None
        self._tell_made(made)
        if cleaned is not None:
            self._tell_cleaned(cleaned)
        return made

    def list(self, limit: int | None = None) -> "list_[Manifest]":
        """All backups, newest first."""
        return self.folder.manifests()[0][:limit]

    def damaged(self) -> "list_[LlmspellError]":
        """What is wrong with the manifests that cannot be read, and which `list` therefore leaves out."""
        return self.folder.manifests()[1]

    def info(self, backup_id: str) -> Manifest:
        """One backup."""
        return self.folder.read(backup_id).manifest

    def content_bytes(self, backup_id: str) -> int:
        """Plain bytes of a backup and of all that it builds on, as far as the manifests tell: what validating it reads."""
        waiting = [backup_id]
        sizes: dict[str, int] = {}
        with suppress(LlmspellError):
            while waiting:
                manifest = self.folder.read(waiting.pop()).manifest
                sizes[manifest.id] = manifest.size
                waiting += {manifest.parent or manifest.id, *manifest.sources} - sizes.keys()
        return sum(sizes.values())

    def validate(self, backup_id: str, *, restore_test: bool = False, progress: Progress = silent) -> Validation:
        """Read every byte of a backup and of all that it builds on; with `restore_test`, restore it into a scratch store too."""
        with self.folder.reading():
            found = self._validate(backup_id, progress)
            if restore_test and found.is_valid:
                from llmspell.backup.rehearsal import rehearse

                for folder in self._folders(backup_id):
                    with Content(folder, backup_id, self._find_secret) as content:
                        for problem in rehearse(content, progress):
                            found.add_integrity(backup_id, problem)
        return found

    def restore(
        self, backup_id: str, *, scope: str | None = None, to: str | Store | None = None, dry_run: bool = False,
        verify: bool = True, backup_first: bool = True, salvage: bool = False, progress: Progress = silent,
    ) -> Restored:  # fmt: skip
        """Replace the stored state with that of a backup: all of it, or the values of one scope.

        Every byte is verified on its way; the change is one transaction, so a crash at any point, and damage, leave what
        was there before. With `verify`, all that the backup builds on is read and checked before that. First a safety
        backup is made, unless the store is empty. `to` is an empty store, or the path of a new one, which is filled
        instead. With `salvage` what is damaged is left out, and listed in the result.
        """
        started = self.manager.clock()
        self._refuse_transaction("restored")
        only = None if scope is None else [Scope.parse(scope).text]
        if to is not None and only is not None:
            raise BadArgument("one scope can be restored into the configured store only")
        makes_safety = not dry_run and to is None and backup_first and not self._is_empty()
        with self.folder.changing() if makes_safety else self.folder.reading():
            self._check(backup_id, verify=verify and not salvage, progress=progress)
            with Content(self.folder, backup_id, self._find_secret, tolerant=salvage) as content:
                scopes = content.manifest.scopes
                if only is not None and scopes is not None and only[0] not in scopes:
                    raise NotFound(f"the backup {backup_id} does not hold the scope '{scope}'")
                safety = None
                if makes_safety:
                    safety = self._make(FULL, started, f"before restoring {backup_id}")
                outcome = self._restore(
                    content, only or scopes, to, salvage=salvage, dry_run=dry_run, progress=progress
                )
            if self._annex is not None and only is None and not isinstance(to, Store) and self._annex.holds(backup_id):
                own = self._annex.restore(
                    backup_id, self._find_secret, to=to, dry_run=dry_run, salvage=salvage, progress=progress
                )
                outcome.losses += own.losses
        if safety is not None:
            self._tell_made(safety)
        done = Restored(backup_id, outcome, None if safety is None else safety.id, self.manager.clock() - started)
        if not dry_run and to is None:
            self._tell_restored(done, scope)
        return done

    def cleanup(self, *, dry_run: bool = False) -> Cleaned:
        """Remove what the policy gives up, and debris. A dry run decides the same and changes nothing."""
        if dry_run:
            with self.folder.reading():
                return self._clean(dry_run=True)
        with self.folder.changing():
            cleaned = self._clean(dry_run=False)
        self._tell_cleaned(cleaned)
        return cleaned

    def usage(self) -> Usage:
        """What the backups take."""
        return Usage(self.list(), self.folder.used_bytes())

    def _make(
        self, kind: str, at: int, description: str, scopes: "list_[str] | None" = None, progress: Progress = silent
    ) -> Manifest:
        """A backup, and before it its annex; the caller has the folder."""
        backup_id = new_id()
        options = self._options()
        if self._annex is not None and scopes is None:
            self._annex.make(kind, at, backup_id, options, progress)
        is_journaled = self.manager.journal_policy is not None
        maker = Maker(self.manager.store, self.folder, options, is_journaled=is_journaled)
        return maker.make(kind, at, description=description, scopes=scopes, progress=progress, backup_id=backup_id)

    def _options(self) -> Options:
        return Options(
            compression=self._compression,
            level=self._level,
            secret=self._find_secret() if self._encrypts else None,
            key_derivation=self._key_derivation,
            iterations=self._iterations,
        )

    def _find_secret(self) -> Secret:
        if self._secret is None:
            self._secret = self._ask()
        return self._secret

    def _check(self, backup_id: str, *, verify: bool, progress: Progress) -> None:
        if verify:
            self._validate(backup_id, progress).raise_damage()

    def _validate(self, backup_id: str, progress: Progress = silent) -> Validation:
        """Of a backup with all it builds on, and of its annex."""
        found = validate(self.folder, backup_id, self._find_secret, progress)
        if self._annex is not None:
            own = self._annex.validate(backup_id, self._find_secret, progress)
            if own is not None:
                found.include(own)
        return found

    def _restore(
        self, content: Content, scopes: "list_[str] | None", to: str | Store | None, *, salvage: bool, dry_run: bool,
        progress: Progress,
    ) -> Outcome:  # fmt: skip
        if to is None and scopes is not None:
            return restore_scopes(self.manager, content, scopes, salvage=salvage, dry_run=dry_run, progress=progress)
        if to is None:
            return restore_store(self.manager, content, salvage=salvage, dry_run=dry_run, progress=progress)
        if scopes is not None:
            raise BadArgument("a backup of some scopes can be restored into the configured store only")
        if dry_run:
            return count(content, salvage=salvage, progress=progress)
        if isinstance(to, str):
            return fill_path(to, content, salvage=salvage, progress=progress)
        return fill(to, content, salvage=salvage, progress=progress)

    def _clean(self, *, dry_run: bool) -> Cleaned:
        manifests, broken = self.folder.manifests()
        warnings = [error.message for error in broken]

        def is_valid(manifest: Manifest) -> bool:
            return self._validate(manifest.id).is_valid

        decisions = decide(manifests, self.policy, self.manager.clock(), is_valid, list(self._hidden(manifests)))
        if any(isinstance(error, BackupError) for error in broken):
            for each in decisions:
                each.keep, each.reason = True, "a backup of a later version may build on it"
        going = [each.manifest for each in decisions if not each.keep]
        staying = set(self.folder.ids()) - {each.id for each in going}
        if dry_run:
            freed = sum(each.total_bytes for each in going) + self.folder.debris_bytes()
            if self._annex is not None:
                freed += sum(each.total_bytes for each in self._annex.surplus(staying))
        else:
            # Newest first: a crash then never leaves a backup without what it builds on.
            freed = sum(self.folder.remove(each.id) for each in going) + self.folder.clear_debris()
            if self._annex is not None:
                freed += self._annex.prune(staying)
        return Cleaned(decisions, freed, warnings)

    def _hidden(self, known: "list_[Manifest]") -> "Iterator[Manifest]":
        """What the copies say of backups whose manifests cannot be read."""
        for backup_id in set(self.folder.ids()) - {each.id for each in known}:
            with suppress(LlmspellError):
                yield read_copy(self.folder, backup_id).manifest

    def _clean_after(self, made: Manifest) -> Cleaned | None:
        """Clean up after a backup was made; what goes wrong in that does not undo it."""
        try:
            return self._clean(dry_run=False)
        except LlmspellError as error:
            made.warnings.append(f"older backups were not cleaned up: {error.message}")
            return None

    def _tell_made(self, made: Manifest) -> None:
        told = {
            "backup_id": made.id, "type": made.kind, "parent_id": made.parent, "scopes": made.scopes,
            "size_bytes": made.total_bytes, "entry_count": made.values, "description": made.description,
            "duration_ms": made.duration / 1000,
        }  # fmt: skip
        facts = {name: fact for name, fact in told.items() if fact is not None}
        self._announce("backup.created", facts, point="BackupCreated")

    def _tell_restored(self, done: Restored, scope: str | None) -> None:
        told = {
            "backup_id": done.backup_id, "scope": scope, "restored_count": done.restored, "removed_count": done.removed,
            "lost_count": len(done.losses), "safety_backup_id": done.safety_backup_id, "duration_ms": done.duration / 1000,
        }  # fmt: skip
        facts = {name: fact for name, fact in told.items() if fact is not None}
        self._announce("backup.restored", facts, point="BackupRestored")

    def _tell_cleaned(self, cleaned: Cleaned) -> None:
        for each in cleaned.decisions:
            if not each.keep:
                self._announce("backup.removed", {"backup_id": each.manifest.id, "reason": each.reason})

    def _is_empty(self) -> bool:
        return is_empty(self.manager.store) and (self._annex is None or is_empty(self._annex.manager.store))

    def _folders(self, backup_id: str) -> "list_[Folder]":
        """Where the backup lies: in the folder, and when it has an annex, in that of the annex."""
        has_annex = self._annex is not None and self._annex.holds(backup_id)
        return [self.folder, self._annex.folder] if self._annex is not None and has_annex else [self.folder]

    def _refuse_transaction(self, done: str) -> None:
        if self.manager.own_transaction() is not None:
            raise BadArgument(f"a backup cannot be {done} inside a transaction")


def _no_secret() -> Secret:
    raise EncryptionError(
        "the backup is encrypted and no key is configured",
        hint="set key_env, key_file or key_command in [state.encryption]",
    )
