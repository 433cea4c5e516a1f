"""The annex: backups of a second store beside those of the first, under the same ids. For sessions in a store of their own.

The annex of a backup is made before the backup itself, and removed after it, so no backup is without it. It is a snapshot of
its own, taken at the same moment but not in the same transaction as the other.
"""

import os

from llmspell.backup.content import AskSecret, Content
from llmspell.backup.create import Maker, Options
from llmspell.backup.fill import Outcome, count, fill_path
from llmspell.backup.folder import Folder
from llmspell.backup.manifest import Manifest
from llmspell.backup.pack import Progress, silent
from llmspell.backup.restore import restore_store
from llmspell.backup.validation import Validation, validate
from llmspell.state.manager import StateManager

FOLDER = "sessions"
SUFFIX = ".sessions"
"""What is added to the path of a new store, for that of the annex."""


class Annex:
    """The backups of `manager`'s store, in a folder within that of the backups they belong to, whose lock guards them too."""

    def __init__(self, manager: StateManager, path: str) -> None:
        self.manager = manager
        self.folder = Folder(os.path.join(path, FOLDER))

    def holds(self, backup_id: str) -> bool:
        """Whether a backup has one."""
        return os.path.exists(self.folder.manifest_path(backup_id))

    def make(self, kind: str, made_at: int, backup_id: str, options: Options, progress: Progress = silent) -> None:
        """Make that of a backup that is about to be made."""
        self.folder.make()
        maker = Maker(self.manager.store, self.folder, options, is_journaled=self.manager.journal_policy is not None)
        maker.make(kind, made_at, backup_id=backup_id, progress=progress)

    def validate(self, backup_id: str, ask_secret: AskSecret, progress: Progress = silent) -> Validation | None:
        """What is wrong with that of a backup, if it has one."""
        return validate(self.folder, backup_id, ask_secret, progress) if self.holds(backup_id) else None

    def restore(
        self, backup_id: str, ask_secret: AskSecret, *, to: str | None, dry_run: bool, salvage: bool, progress: Progress
    ) -> Outcome:
        """Put that of a backup into its store, or into a new one beside the path `to`."""
        with Content(self.folder, backup_id, ask_secret, tolerant=salvage) as content:
            if dry_run:
                return count(content, salvage=salvage, progress=progress)
            if to is not None:
                return fill_path(to + SUFFIX, content, salvage=salvage, progress=progress)
            return restore_store(self.manager, content, salvage=salvage, progress=progress)

    def surplus(self, kept: set[str]) -> list[Manifest]:
        """Those that none of the kept backups needs, the newest first."""
        known = {each.id: each for each in self.folder.manifests()[0]}
        needed = kept & known.keys()
        waiting = list(needed)
        while waiting:
            each = known[waiting.pop()]
            more = {each.parent or each.id, *each.sources} & known.keys() - needed
            needed |= more
            waiting += more
        return [each for each in known.values() if each.id not in needed]

    def prune(self, kept: set[str]) -> int:
        """Remove those that none of the kept backups needs; how many bytes they had."""
        return sum(self.folder.remove(each.id) for each in self.surplus(kept)) + self.folder.clear_debris()
