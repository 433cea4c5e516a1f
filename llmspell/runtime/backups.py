"""The backups of a runtime, as `[state.backup]` says."""

from llmspell.announce import silent
from llmspell.backup.annex import Annex
from llmspell.backup.backups import Backups
from llmspell.backup.retention import Policy
from llmspell.backup.secret import Secret, find_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.announce import Announce
    from llmspell.config import Config
    from llmspell.state.manager import StateManager


def open_backups(
    config: "Config", state: "StateManager", announce: "Announce" = silent, sessions: "StateManager | None" = None
) -> Backups:
    """The backups of `state` as `[state.backup]` and `[state.encryption]` say; the key is looked for when it is needed.

    `sessions` has the store of the sessions when they are in one of their own, which then is in every backup too.
    """
    backup, encryption = config.state.backup, config.state.encryption

    def ask_secret() -> Secret:
        return find_secret(env=encryption.key_env, file=encryption.key_file, command=encryption.key_command)

    return Backups(
        state,
        backup.backup_dir,
        announce=announce,
        annex=None if sessions is None else Annex(sessions, backup.backup_dir),
        ask_secret=ask_secret,
        encrypt=backup.encryption_enabled,
        key_derivation=encryption.key_derivation,
        iterations=encryption.iterations,
        compression=backup.compression,
        compression_level=backup.compression_level,
        allow_incremental=backup.incremental_enabled,
        auto_cleanup=backup.auto_cleanup,
        policy=Policy(
            max_backups=backup.max_backups,
            retention_days=backup.retention_days,
            min_backups=backup.min_backups,
            keep_hourly=backup.keep_hourly,
            keep_daily=backup.keep_daily,
            keep_weekly=backup.keep_weekly,
            keep_monthly=backup.keep_monthly,
        ),
    )
