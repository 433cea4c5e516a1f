"""Backups and migrations tell events and hooks what they have done, in both languages."""

from pathlib import Path
from typing import Any

import pytest

from llmspell import config, values
from llmspell.runtime import Runtime

CONFIG = """
[state]
backend = "disk"
path = "{folder}/store"
[state.migration]
enabled = true
[state.backup]
enabled = true
backup_dir = "{folder}/backups"
max_backups = 2
"""
LUA = """
local hooks, events = {}, {}
for _, point in ipairs({"BackupCreated", "BackupRestored", "StateMigration"}) do
  Hook.register(point, function(c) hooks[#hooks + 1] = {c.point, c.data} end)
end
for _, pattern in ipairs({"backup.*", "migration.*"}) do
  Event.subscribe(pattern, function(e) events[#events + 1] = {e.event_type, e.data, e.correlation_id} end)
end
State.save("a", "k", {n = 1})
local made = State.create_backup("full", {description = "first"})
State.save("a", "other", 1)
State.create_backup("incremental")
State.restore_backup(made)
State.create_backup()
State.create_backup()
State.cleanup_backups()
State.register_schema({version = 1, fields = {n = "integer"}})
State.register_schema({version = 2, fields = {n = "integer", m = {type = "integer", default = 1}}})
State.migrate(2)
State.rollback_migration()
State.migrate({to = 2, transformations = {{transform = "convert", field = "n", type = "list"}}})
sleep(0.01)
return {hooks = hooks, events = events}
"""
JAVASCRIPT = """
const hooks = [], events = []
for (const point of ['BackupCreated', 'BackupRestored', 'StateMigration'])
  Hook.register(point, c => { hooks.push([c.point, c.data]) })
for (const pattern of ['backup.*', 'migration.*'])
  Event.subscribe(pattern, e => { events.push([e.event_type, e.data, e.correlation_id]) })
State.save('a', 'k', {n: 1})
const made = State.create_backup('full', {description: 'first'})
State.save('a', 'other', 1)
State.create_backup('incremental')
State.restore_backup(made)
State.create_backup()
State.create_backup()
State.cleanup_backups()
State.register_schema({version: 1, fields: {n: 'integer'}})
State.register_schema({version: 2, fields: {n: 'integer', m: {type: 'integer', default: 1}}})
State.migrate(2)
State.rollback_migration()
State.migrate({to: 2, transformations: [{transform: 'convert', field: 'n', type: 'list'}]})
sleep(0.01);
({hooks, events})
"""


@pytest.mark.parametrize("language", ["lua", "javascript"])
def test_hooks_and_events_tell_what_has_happened(tmp_path: Path, language: str) -> None:
    file = tmp_path / "llmspell.toml"
    file.write_text(CONFIG.format(folder=tmp_path))
    source = LUA if language == "lua" else JAVASCRIPT
    with Runtime(config.load(str(file), environ={}, cwd=str(tmp_path))) as runtime:
        told: dict[str, Any] = values.decode(runtime.run(source.encode(), name="it", language=language))
        left = {each.id for each in runtime.backups.list()}
    created = "backup.created"
    assert [name for name, *_ in told["events"]] == [
        created, created, created, "backup.restored", created, created, *["backup.removed"] * 3,
        created, "migration.started", "migration.completed", "migration.rolled_back",
        created, "migration.started", "migration.failed",
    ]  # fmt: skip
    assert len({correlation for *_, correlation in told["events"]}) == 1
    points = {created: "BackupCreated", "backup.restored": "BackupRestored"}
    points |= {f"migration.{status}": "StateMigration" for status in ("completed", "rolled_back", "failed")}
    assert told["hooks"] == [[points[name], data] for name, data, _ in told["events"] if name in points]
    data = [data for _, data, _ in told["events"]]
    assert (data[0]["type"], data[0]["description"], data[0]["entry_count"]) == ("full", "first", 1)
    assert (data[1]["type"], data[1]["parent_id"]) == ("incremental", data[0]["backup_id"])
    assert data[3]["safety_backup_id"] == data[2]["backup_id"]
    assert (data[3]["restored_count"], data[3]["removed_count"], data[3]["lost_count"]) == (1, 1, 0)
    assert not {each["backup_id"] for each in data[6:9]} & left
    assert "max_backups" in data[6]["reason"]
    assert (data[10]["items"], data[11]["items_migrated"], data[11]["backup_id"]) == (1, 1, data[9]["backup_id"])
    assert data[12]["migration_id"] == data[11]["migration_id"] == data[10]["migration_id"]
    assert (data[15]["status"], data[15]["code"]) == ("failed", "schema")


def test_a_hook_may_make_a_backup_of_its_own(tmp_path: Path) -> None:
    """The folder is free again when it is told, so whoever is told can use it."""
    file = tmp_path / "llmspell.toml"
    file.write_text(CONFIG.format(folder=tmp_path))
    source = """
    local count = 0
    Hook.register("BackupCreated", function()
      count = count + 1
      local made = State.create_backup()
      assert(made.success, made.error)
    end)
    State.save("a", "k", 1)
    State.create_backup()
    return {count, #State.list_backups()}
    """
    with Runtime(config.load(str(file), environ={}, cwd=str(tmp_path))) as runtime:
        assert values.decode(runtime.run(source.encode(), name="it", language="lua")) == [
            1,
            2,
        ]  # no hook runs within itself
