"""A migration makes a backup first, when backups are enabled, and the backup takes everything back."""

from pathlib import Path

import pytest

from llmspell.config import load
from llmspell.runtime import Runtime
from llmspell.values import decode

SCRIPT = """
State.register_schema({version = "1.0.0", scope = "user:*", fields = {name = {type = "string"}}})
State.save("user:ann", "profile", {name = "Ann"})
State.register_schema({
  version = "2.0.0", scope = "user:*", compatibility = "none", fields = {full = {type = "string"}},
  migration_path = {{from_version = "1.0.0", to_version = "2.0.0",
    transformations = {{transform = "rename", field = "name", to = "full"}}}},
})
local done = State.migrate("2.0.0")
local after = State.load("user:ann", "profile")
if done.backup_id then State.restore_backup(done.backup_id) end
return {success = done.success, backup = done.backup_id ~= nil, after = after, at_last = State.load("user:ann", "profile"),
  versions = State.schema_versions()}
"""


@pytest.mark.parametrize("wanted", [True, False])
def test_a_migration_makes_a_backup_first_exactly_when_the_configuration_says_so(tmp_path: Path, wanted: bool) -> None:
    overrides = {
        "state.backend": "disk",
        "state.path": str(tmp_path / "state"),
        "state.migration.enabled": True,
        "state.migration.backup_on_migration": wanted,
        "state.backup.enabled": True,
        "state.backup.backup_dir": str(tmp_path / "backups"),
    }
    with Runtime(load(overrides=overrides, environ={}, cwd=str(tmp_path))) as runtime:
        result = decode(runtime.run(SCRIPT.encode(), name="migrate.lua"))
    old, new = {"name": "Ann"}, {"full": "Ann"}
    assert result == {
        "success": True,
        "backup": wanted,
        "after": new,
        "at_last": old if wanted else new,
        "versions": ["1.0.0", "2.0.0"],
    }
