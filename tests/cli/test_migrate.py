"""`llmspell migrate …`."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

V1 = 'version = "1.0.0"\nscope = "user:*"\n[fields]\nname = { type = "string", required = true }\n'
V2 = """
version = "2.0.0"
scope = "user:*"
compatibility = "none"
[fields]
title = { type = "string", required = true, max_length = 5 }
[[migration_path]]
from_version = "1.0.0"
transformations = [{ transform = "rename", field = "name", to = "title" }]
"""


@pytest.fixture
def migrating(shell: Shell) -> Shell:
    """Three documents, two schemas in a folder."""
    shell.file("llmspell.toml", '[state]\nbackend = "disk"\npath = "./store"\n[state.migration]\nenabled = true\n')
    shell.file("schemas/one.toml", V1)
    shell.file("schemas/two.toml", V2)
    for name in ("ann", "bob", "eve"):
        assert shell("state", "set", f"user:{name}", "profile", json.dumps({"name": name})).status == 0
    return shell


def test_status_plan_apply_history_and_rollback(migrating: Shell) -> None:
    status = migrating("migrate", "status", "--output", "json").json
    assert (status["current_version"], status["latest_version"], status["pending"]) == ("1.0.0", "2.0.0", 3)
    plan = migrating("migrate", "plan", "2.0.0", "--output", "json").json
    assert (plan["counts"]["to_migrate"], plan["samples"][0]["after"]) == (3, {"title": "ann"})
    dry = migrating("migrate", "apply", "2", "--dry-run", "--output", "json").json
    assert (dry["status"], dry["items_migrated"]) == ("dry_run", 3)
    done = migrating("migrate", "apply", "2.0.0", "--plan-hash", plan["plan_hash"], "--output", "json").json
    assert (done["status"], done["items_migrated"]) == ("completed", 3)
    assert migrating("state", "get", "user:bob", "profile").out == '{"title":"bob"}\n'
    history = migrating("migrate", "history", "--output", "json").json
    assert [(entry["status"], entry["migration_id"]) for entry in history] == [("completed", done["migration_id"])]
    back = migrating("migrate", "rollback", done["migration_id"])
    assert (back.status, "rolled_back" in back.out) == (0, True)
    assert migrating("state", "get", "user:bob", "profile").out == '{"name":"bob"}\n'


def test_text_is_for_people(migrating: Shell) -> None:
    assert "pending" in migrating("migrate", "status").out
    assert "items_migrated  3" in migrating("migrate", "apply", "2.0.0").out
    assert migrating("migrate", "history").out.splitlines()[0].split()[:4] == [
        "migration_id",
        "from_version",
        "to_version",
        "status",
    ]


def test_a_failed_migration_is_exit_1_and_changes_nothing(migrating: Shell) -> None:
    assert migrating("state", "set", "user:zoe", "profile", '{"name": "Zoe Marie"}').status == 0
    ran = migrating("migrate", "apply", "2.0.0")
    assert (ran.status, ran.out) == (1, "")
    assert "'profile' in scope 'user:zoe'" in ran.err
    assert "$.title has 9 characters, the limit is 5 (rule max_length)" in ran.err
    assert migrating("state", "get", "user:ann", "profile").out == '{"name":"ann"}\n'
    document = migrating("migrate", "apply", "2.0.0", "--output", "json")
    assert (document.status, document.json["error"]["code"]) == (1, "schema")


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["apply", "9.0.0"], 1, "there is no schema 9.0.0"),
        (["plan", "9.0.0"], 1, "there is no schema 9.0.0"),
        (["apply", "new"], 2, "'new' is no version"),
        (["plan", "1.0.0.0"], 2, "is no version"),
        (["rollback"], 1, "there is no migration to roll back"),
        (["rollback", "nothing"], 10, "there is no migration 'nothing'"),
        (["apply", "2.0.0", "--plan-hash", "x"], 1, "the plan does not fit any more"),
        (["apply"], 2, "VERSION"),
    ],
)
def test_what_is_wrong_has_its_exit_status(migrating: Shell, arguments: list[str], status: int, sentence: str) -> None:
    ran = migrating("migrate", *arguments)
    assert ran.status == status
    assert sentence in ran.err


def test_validate_names_every_document_that_does_not_fit(migrating: Shell) -> None:
    assert migrating("migrate", "validate", "--output", "json").json == {"valid": True, "documents": 3}
    settings = migrating.folder / "llmspell.toml"
    text = settings.read_text()
    settings.write_text(text.replace("enabled = true", "enabled = false"))
    assert migrating("state", "set", "user:bob", "profile", '{"name": 5}').status == 0
    settings.write_text(text)
    ran = migrating("migrate", "validate")
    assert ran.status == 1
    assert "problem: the value of 'profile' in scope 'user:bob' breaks the schema 1.0.0: $.name must be text" in ran.err
    assert "1 of 3 documents do not fit their schema" in ran.err


def test_without_the_setting_the_command_names_it(shell: Shell) -> None:
    ran = shell("migrate", "status")
    assert ran.status == 3
    assert "[state.migration]" in ran.err


def test_a_wrong_schema_is_told_with_its_file(migrating: Shell) -> None:
    Path(migrating.folder / "schemas" / "two.toml").write_text(V2.replace("rename", "renam"))
    ran = migrating("migrate", "status")
    assert ran.status == 1
    assert "two.toml" in ran.err
    assert "unknown transform 'renam'" in ran.err
