"""Backups around a migration: the one before it restores what was, and one after a rollback has every byte."""

from pathlib import Path

from llmspell import config
from llmspell.runtime import Runtime
from llmspell.storage.lmdb import LmdbStore
from tests.migration.conftest import V1, V2, picture, to


def open_runtime(folder: Path) -> Runtime:
    """Migrations and backups on a disk store with twenty users of the first version."""
    overrides: dict[str, object] = {
        "state.backend": "disk", "state.path": str(folder / "store"), "state.backup.backup_dir": str(folder / "backups"),
        "state.migration.enabled": True, "state.backup.enabled": True,
    }  # fmt: skip
    runtime = Runtime(config.load(overrides=overrides, environ={}, cwd=str(folder)))
    for number in range(20):
        runtime.state.set(f"user:{number}", "profile", {"user_id": "a", "lang": "de"})
    runtime.migrations.register(V1)
    runtime.migrations.register(V2)
    return runtime


def test_the_backup_made_first_restores_what_was_before(tmp_path: Path) -> None:
    with open_runtime(tmp_path) as runtime:
        done = runtime.migrations.migrate(to(2))
        assert done.backup_id is not None
        assert runtime.state.get("user:1", "profile") == {"user_id": "a", "preferences": {"language": "de"}}
        runtime.backups.restore(done.backup_id)
        assert runtime.state.get("user:1", "profile") == {"user_id": "a", "lang": "de"}
        assert runtime.migrations.status()["current_version"] == "1.0.0"


def test_an_incremental_backup_after_a_rollback_restores_every_byte(tmp_path: Path) -> None:
    with open_runtime(tmp_path) as runtime:
        runtime.migrations.migrate(to(2))
        runtime.backups.create()
        runtime.migrations.rollback()
        last = runtime.backups.create("incremental").id
        assert runtime.store is not None
        expected = picture(runtime.store, b"shM")
        runtime.backups.restore(last, to=str(tmp_path / "copy"))
    with LmdbStore(tmp_path / "copy") as copy:
        assert picture(copy, b"shM") == expected
