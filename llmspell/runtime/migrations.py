"""The migrations of a runtime, as `[state.migration]` says."""

import os

from llmspell.migration.catalogue import Catalogue
from llmspell.migration.directory import register_directory
from llmspell.migration.engine import Migrations
from llmspell.migration.guard import SchemaGuard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.announce import Announce
    from llmspell.config import Config
    from llmspell.state.manager import StateManager

DEFAULT_SCHEMAS = "./schemas"


def open_migrations(
    config: "Config", state: "StateManager", back_up: "Callable[[str], str]", is_stopping: "Callable[[], bool]",
    announce: "Announce",
) -> Migrations:  # fmt: skip
    """The migrations of a state as `[state.migration]` says. From now on saves are stamped and checked.

    `back_up(description)` is called before a migration, when backups are enabled and the configuration wants it so. The
    schemas of `schema_directory` are registered; the folder need not exist when it is the default one.
    """
    settings = config.state.migration
    level = settings.validation_level
    catalogue = Catalogue(
        default=state.schema, compatibility=settings.compatibility, follows_latest=settings.auto_migrate
    )
    state.guard = SchemaGuard(state, catalogue, validation_level=level, upgrades=settings.auto_migrate)
    folder = settings.schema_directory
    if os.path.isdir(folder) or folder != DEFAULT_SCHEMAS:
        register_directory(state, catalogue, folder)
    wants_backup = settings.backup_on_migration and config.state.backup.enabled
    return Migrations(
        state,
        catalogue,
        validation_level=level,
        backup=back_up if wants_backup else None,
        is_stopping=is_stopping,
        announce=announce,
    )
