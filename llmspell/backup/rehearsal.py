"""Rehearsal: restoring a backup into a scratch store, to see that it works."""

from tempfile import TemporaryDirectory

from llmspell.backup.content import Content, name_key
from llmspell.backup.examination import examine, examine_index
from llmspell.backup.fill import Outcome, fill
from llmspell.backup.pack import Progress, silent
from llmspell.backup.restore import compare, present
from llmspell.storage import keys
from llmspell.storage.check import check
from llmspell.storage.lmdb import LmdbStore


def rehearse(content: Content, progress: Progress = silent) -> list[str]:
    """Restore into a scratch store, compare every entry and check the store; what is wrong, as sentences."""
    with TemporaryDirectory(prefix="llmspell-restore-test-") as scratch, LmdbStore(scratch, sync=False) as store:
        fill(store, content, progress=progress)
        problems = check(store, examine).problems
        with store.read() as made:
            problems.extend(examine_index(made))
            for key, _, _ in compare(present(made), content.entries(progress=progress), Outcome()):
                if content.manifest.scopes is None or key.startswith(keys.STATE):
                    problems.append(f"{name_key(key)} differs after restoring")
    return problems
