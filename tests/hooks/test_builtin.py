"""Built-in hooks, switched on by the configuration."""

from pathlib import Path
from typing import Any

import pytest

from llmspell.errors import Cancelled, NotEnabled
from llmspell.hooks.builtin import CriticalBackup
from llmspell.runtime import Runtime
from tests.hooks.conftest import Bench
from tests.languages.engine import open_runtime


def names(runtime: Runtime) -> set[str]:
    return {hook.name for hook in runtime.hooks.list(include_builtin=True)}


def test_none_is_there_unless_it_is_switched_on() -> None:
    with open_runtime() as runtime:
        runtime.run(b"State.save('app', 'k', 1)", name="a.lua")
        assert runtime._hooks is None
        assert names(runtime) == set()


def test_scripts_see_them_only_when_they_ask() -> None:
    with open_runtime(state__hooks__change_log=True) as runtime:
        source = b"assert(#Hook.list() == 0) assert(#Hook.list({include_builtin = true, hook_point = 'AfterStateWrite'}) == 1)"
        runtime.run(source, name="a.lua")
        hook = runtime.hooks.list(include_builtin=True)[0]
        runtime.run(f"assert(not Hook.unregister('{hook.id}'))".encode(), name="a.lua")


def test_the_change_log_names_every_change_and_no_value(capfd: pytest.CaptureFixture[str]) -> None:
    with open_runtime(state__hooks__change_log=True) as runtime:
        runtime.run(b"State.save('app', 'k', 'secret value') State.delete('app', 'k')", name="a.lua")
        correlation = runtime.state.correlation_id
    log = capfd.readouterr().err
    assert "state saved scope=app key=k operation=save" in log
    assert "state deleted scope=app key=k operation=delete" in log
    assert f"correlation_id={correlation}" in log
    assert "secret" not in log


def test_an_agents_state_is_kept_and_given_back() -> None:
    with open_runtime(state__hooks__agent_state=True) as runtime:
        hooks = runtime.hooks
        assert hooks.fire("BeforeAgentInit", {"agent_id": "ada"}).data == {"agent_id": "ada"}
        hooks.fire("AfterAgentExecution", {"agent_id": "ada", "state": {"turn": 3}})
        hooks.fire("AfterAgentExecution", {"agent_id": "ada"})
        assert runtime.state.get("agent:ada", "state") == {"turn": 3}
        assert hooks.fire("BeforeAgentInit", {}, component=("agent", "ada")).data == {"state": {"turn": 3}}
        assert hooks.fire("BeforeAgentInit", {"agent_id": "ada", "state": {"turn": 9}}).data["state"] == {"turn": 9}


def test_writes_that_break_their_schema_are_cancelled_also_where_the_guard_is_off() -> None:
    schema = {
        "version": "1.0.0", "scope": "user:*", "key": "profile",
        "fields": {"age": {"type": "integer", "min": 0, "required": True}},
    }  # fmt: skip
    with open_runtime(
        state__hooks__schema_validation=True, state__migration__enabled=True, state__migration__validation_level="none"
    ) as runtime:
        runtime.migrations.register(schema)
        state = runtime.state
        state.set("user:1", "profile", {"age": 5})
        state.set("user:1", "other", {"age": "old"})
        with pytest.raises(Cancelled, match=r"schema_validation.*age"):
            state.set("user:1", "profile", {"age": -1})
        with pytest.raises(Cancelled):
            state.set("user:1", "profile", {})
        runtime.hooks.register("BeforeStateWrite", lambda _: {"type": "modified", "data": {"new_value": {"age": "x"}}})
        with pytest.raises(Cancelled):
            state.set("user:1", "profile", {"age": 6})
        assert state.get("user:1", "profile") == {"age": 5}


def test_validation_without_migrations_says_what_it_needs() -> None:
    with pytest.raises(NotEnabled, match="migrations are switched off"):
        open_runtime(state__hooks__schema_validation=True)


def test_a_change_of_a_critical_key_makes_a_backup(tmp_path: Path) -> None:
    overrides: dict[str, Any] = {
        "state__hooks__critical_keys": ["config", "user:*/profile"], "state__backup__backup_dir": str(tmp_path / "backups"),
    }  # fmt: skip
    with open_runtime(**overrides) as runtime:
        runtime.run(b"State.save('app', 'other', 1) State.save('user:1', 'name', 1)", name="a.lua")
        assert runtime.backups.list() == []
        runtime.run(b"State.save('app', 'config', 1)", name="a.lua")
        (first,) = runtime.backups.list()
        assert first.description == "critical: app/config"
        runtime.run(b"State.save('user:1', 'profile', 1) State.delete('app', 'config')", name="a.lua")
        second = runtime.backups.list()[0]
        assert second.description == "critical: user:1/profile, app/config"
        assert len(runtime.backups.list()) == 2


def test_critical_backups_keep_their_distance_and_failures_are_tried_again(bench: Bench) -> None:
    made: list[str] = []
    now = [0.0]

    def back_up(description: str) -> None:
        if "broken" in description:
            raise Cancelled("no room")
        made.append(description)

    CriticalBackup(bench.hooks, ["*"], 60, back_up, lambda: now[0])

    def change(key: str) -> None:
        bench.hooks.fire("AfterStateWrite", {"scope": "s", "key": key, "operation": "save"})

    change("a")
    now[0] = 59
    change("b")
    change("c")
    assert made == ["critical: s/a"]
    now[0] = 60
    for key in "bde":
        change(key)
    assert made[1:] == ["critical: s/b, s/c"]
    bench.hooks.end_script()
    assert made[2:] == ["critical: s/d, s/e"]
    bench.hooks.end_script()
    assert len(made) == 3
    now[0] = 200
    change("broken")
    assert bench.warnings == [("the backup of critical keys failed", {"error": "no room"})]
