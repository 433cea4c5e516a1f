"""Migrations: what is migrated, what is left alone, what a failure leaves, and the way back."""

from typing import Any

import pytest

from llmspell.errors import (
    BadArgument,
    BadValue,
    Conflict,
    Corrupt,
    Interrupted,
    MigrationError,
    SchemaError,
    StorageFull,
)
from llmspell.migration import lease, run
from llmspell.migration.engine import Migrations
from llmspell.migration.request import Outcome, Request
from llmspell.storage import owner
from llmspell.storage.keys import EPOCH
from llmspell.storage.store import Store
from tests.migration.conftest import V1, V2, picture, setup, to

NOTHING_COVERED = {"version": "1.5.0", "scope": "none", "compatibility": "none"}


def value(migrations: Migrations, scope: str, key: str = "profile") -> Any:
    return migrations.manager.get(scope, key)


def completed(outcome: Outcome, migrated: int, skipped: int = 0) -> bool:
    return (outcome.status, outcome.error, outcome.migrated, outcome.skipped) == ("completed", None, migrated, skipped)


def test_every_covered_document_goes_to_the_version_and_nothing_else_changes(users: Migrations) -> None:
    manager = users.manager
    manager.set("other", "profile", {"user_id": 1, "lang": "de"})
    manager.set("user:list", "profile", [1])
    manager.set("usher", "profile", {"lang": "de"})
    manager.set("user:exp", "profile", {"user_id": "e", "lang": "fr"}, ttl=100)
    before = {scope: manager.entry(scope, "profile").version for scope in ("other", "user:list", "usher")}
    expiry = manager.entry("user:exp", "profile").expires_at
    created = manager.entry("user:1", "profile").created_at
    assert completed(users.migrate(to(2)), 11)
    assert value(users, "user:1") == {"user_id": "u1", "age": 1, "preferences": {"language": "de"}}
    entry = manager.entry("user:1", "profile")
    assert (entry.schema_version, entry.created_at, entry.class_name) == ("2.0.0", created, "standard")
    assert manager.entry("user:exp", "profile").expires_at == expiry
    assert {scope: manager.entry(scope, "profile").version for scope in before} == before
    assert [
        revision.value["lang"] for revision in manager.history("user:1", "profile") if "lang" in revision.value
    ] == ["de"]


def test_saves_get_the_current_version_which_a_migration_moves_and_a_rollback_moves_back(users: Migrations) -> None:
    manager = users.manager
    users.migrate(to(2))
    manager.set("new", "key", 1)
    assert manager.entry("new", "key").schema_version == "2.0.0"
    assert users.status()["current_version"] == "2.0.0"
    users.rollback()
    manager.set("new", "key", 1)
    assert manager.entry("new", "key").schema_version == "1.0.0"
    assert users.status()["current_version"] == "1.0.0"


def test_a_rollback_puts_every_byte_back(users: Migrations, store: Store) -> None:
    before = picture(store)
    users.migrate(to(2))
    assert picture(store) != before
    outcome = users.rollback()
    assert (outcome.status, outcome.migrated, outcome.from_version, outcome.to_version) == (
        "rolled_back",
        10,
        "2.0.0",
        "1.0.0",
    )
    assert picture(store) == before


def test_a_rollback_ends_what_the_journal_tells_to_backups(users: Migrations, store: Store) -> None:
    users.migrate(to(2))
    before = store.get(EPOCH)
    users.rollback()
    assert store.get(EPOCH) != before


def test_what_was_changed_since_is_left_alone_by_a_rollback(users: Migrations) -> None:
    users.migrate(to(2))
    users.manager.set("user:1", "profile", {"user_id": "new"})
    users.manager.delete("user:2", "profile")
    outcome = users.rollback()
    assert (outcome.status, outcome.migrated, outcome.skipped) == ("rolled_back", 8, 2)
    assert "2 documents were changed or deleted" in outcome.warnings[0]
    assert value(users, "user:1") == {"user_id": "new"}
    assert value(users, "user:2") is None
    assert value(users, "user:3")["lang"] == "de"


def test_one_bad_document_in_ten_thousand_changes_nothing(
    migrations: Migrations, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH", 1000)
    manager = migrations.manager
    with manager.transaction():
        for number in range(10_000):
            manager.set(
                f"user:{number % 10}", f"p{number:05}", {"user_id": f"u{number}", "age": 200 if number == 7777 else 1}
            )
    migrations.register(V1)
    migrations.register(V2)
    before = picture(store)
    outcome = migrations.migrate(to(2))
    assert outcome.status == "failed"
    assert outcome.code == "schema"
    assert "'p07777' in scope 'user:7'" in str(outcome.error)
    assert "$.age must be at most 150, got 200 (rule max)" in str(outcome.error)
    assert picture(store) == before
    assert users_status(migrations) == ("1.0.0", None)
    assert migrations.history()[0].outcome == "failed"
    manager.set("user:7", "p07777", {"user_id": "fixed"})
    assert completed(migrations.migrate(to(2)), 10_000)


def users_status(migrations: Migrations) -> tuple[object, object]:
    status = migrations.status()
    return status["current_version"], status["unfinished"]


def test_a_dry_run_tries_every_document_and_changes_nothing(users: Migrations, store: Store) -> None:
    before = picture(store, b"shxjmM")
    outcome = users.migrate(to(2, dry_run=True))
    assert (outcome.status, outcome.migrated) == ("dry_run", 10)
    assert picture(store, b"shxjmM") == before
    users.manager.set("user:5", "profile", {"user_id": "u", "age": 151})
    assert "rule max" in str(users.migrate(to(2, dry_run=True)).error)


def test_the_documents_of_one_place_can_be_migrated(users: Migrations) -> None:
    assert completed(users.migrate(to(2, scope="user:3", key="profile")), 1)
    assert users.manager.entry("user:3", "profile").schema_version == "2.0.0"
    assert users.status()["current_version"] == "1.0.0"
    again = users.migrate(to(2, scope="user:3", key="profile"))
    assert (again.status, again.current_version, again.error) == ("already_current", "2.0.0", None)
    missing = users.migrate(to(2, scope="user:99", key="profile"))
    assert (missing.status, missing.code) == ("failed", "not_found")
    assert completed(users.migrate(to(2, scope="user:[*")), 0) is False
    assert completed(users.migrate(to(2, scope="user:4*")), 1)
    assert completed(users.migrate(to(2)), 8)


def test_migrating_again_is_already_current(users: Migrations) -> None:
    users.migrate(to(2))
    outcome = users.migrate(to(2))
    assert (outcome.status, outcome.is_success, outcome.current_version) == ("already_current", True, "2.0.0")


def test_only_documents_of_the_version_that_is_named(users: Migrations) -> None:
    users.register({"version": "0.9.0", "scope": "user:*", "compatibility": "none"})
    assert users.migrate(to(2, only_from=(0, 9, 0))).status == "already_current"
    assert completed(users.migrate(to(2, only_from=(1, 0, 0))), 10)


def test_steps_are_chained_over_versions(users: Migrations) -> None:
    step = {"transform": "rename", "field": "age", "to": "years"}
    users.register(
        {"version": 3, "scope": "user:*", "compatibility": "none", "fields": {"years": {"type": "integer", "default": 7}},
         "migration_path": [{"from_version": 2, "transformations": [step]}]}
    )  # fmt: skip
    plan = users.plan(to(3))
    assert [(each["from_version"], each["to_version"]) for each in plan.steps] == [
        ("1.0.0", "2.0.0"),
        ("2.0.0", "3.0.0"),
    ]
    users.manager.set("user:old", "profile", {"user_id": "u"})
    assert completed(users.migrate(to(3)), 11)
    assert value(users, "user:4") == {"user_id": "u4", "preferences": {"language": "de"}, "years": 4}
    assert value(users, "user:old") == {"user_id": "u", "years": 7}


def test_without_a_path_documents_go_where_they_can_be_read(users: Migrations) -> None:
    users.register(
        {
            "version": "1.1.0",
            "scope": "user:*",
            "fields": {**V1["fields"], "seen": {"type": "boolean", "default": False}},
        }
    )
    assert completed(users.migrate(to("1.1")), 10)
    assert value(users, "user:1")["seen"] is False


def test_without_a_path_nothing_goes_where_it_cannot_be_read(users: Migrations) -> None:
    users.register({"version": 3, "scope": "user:*", "compatibility": "none", "fields": {"age": "string"}})
    outcome = users.migrate(to(3))
    assert outcome.code == "migration"
    assert "no migration path from 1.0.0 to 3.0.0" in str(outcome.error)
    with pytest.raises(MigrationError, match="no migration path"):
        users.plan(to(3))


def test_documents_above_the_version_are_left_alone_unless_a_path_leads_down(users: Migrations) -> None:
    users.migrate(to(2, scope="user:1"))
    outcome = users.migrate(to(1))
    assert outcome.error is None
    assert "1 documents are above version 1.0.0" in outcome.warnings[0]
    back = {"transform": "move", "field": "preferences.language", "to": "lang"}
    users.register(
        {"version": "0.5.0", "scope": "user:*", "compatibility": "none",
         "migration_path": [{"from_version": 2, "to_version": 1, "transformations": [back]}]}
    )  # fmt: skip
    assert completed(users.migrate(to(1, scope="user:1")), 1)
    assert value(users, "user:1")["lang"] == "de"


def test_an_unknown_version_is_an_error_that_names_the_known_ones(users: Migrations) -> None:
    outcome = users.migrate(to(9))
    assert (outcome.code, outcome.error) == ("migration", "there is no schema 9.0.0")
    assert "1.0.0, 2.0.0" in outcome.hint


def test_transformations_without_a_schema(store: Store) -> None:
    migrations = setup(store)
    migrations.manager.set("a", "k", {"n": 1})
    migrations.manager.set("b", "k", {"n": 1})
    given = {"scope": "a", "transformations": [{"transform": "rename", "field": "n", "to": "m"}]}
    assert completed(migrations.migrate(Request.read(given)), 1)
    assert (value(migrations, "a", "k"), value(migrations, "b", "k")) == ({"m": 1}, {"n": 1})
    assert migrations.manager.entry("a", "k").schema_version == "1.0.0"
    both = {
        "to": "4.0.0",
        "transformations": [{"transform": "function", "function": lambda document: {**document, "x": 1}}],
    }
    assert completed(migrations.migrate(Request.read(both)), 2)
    assert value(migrations, "b", "k") == {"n": 1, "x": 1}
    assert migrations.manager.entry("b", "k").schema_version == "4.0.0"
    assert migrations.rollback().status == "rolled_back"
    assert value(migrations, "b", "k") == {"n": 1}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "needs 'to_version', or 'transformations'"),
        ({"to": 1, "to_version": 2}, "which are the same"),
        ({"to": 1, "dryrun": True}, "unknown name 'dryrun'"),
        ({"to": 1, "dry_run": 1}, "must be true or false"),
        ({"to": "x"}, "is no version"),
        ({"to": 1, "scope": 5}, "'scope' must be text"),
        ({"transformations": [{"transform": "copy"}]}, "needs 'field'"),
    ],
)
def test_a_wrong_request_raises(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadArgument) as caught:
        Request.read(given)
    assert sentence in str(caught.value)


def test_the_plan_shows_steps_counts_and_samples(users: Migrations) -> None:
    users.manager.set("user:0", "profile", {"user_id": "u0", "age": 151})
    plan = users.plan(to(2))
    assert plan.counts == {"documents": 10, "to_migrate": 10, "already_current": 0, "newer": 0, "not_covered": 0}
    assert len(plan.samples) == 3
    bad, good = plan.samples[0], plan.samples[1]
    assert bad.after is None
    assert "rule max" in str(bad.error)
    assert (good.scope, good.key, good.before["lang"], good.after["preferences"]) == (
        "user:1",
        "profile",
        "de",
        {"language": "de"},
    )


def test_a_plan_hash_fits_until_something_changes(users: Migrations) -> None:
    planned = users.plan(to(2)).plan_hash
    assert users.plan(to(2)).plan_hash == planned
    users.manager.set("unrelated", "k", 1)
    assert users.plan(to(2)).plan_hash == planned
    users.manager.set("user:1", "profile", {"user_id": "x"})
    outcome = users.migrate(to(2, plan_hash=planned))
    assert (outcome.status, outcome.code) == ("failed", "conflict")
    assert value(users, "user:2")["lang"] == "de"
    assert completed(users.migrate(to(2, plan_hash=users.plan(to(2)).plan_hash)), 10)


def test_a_document_saved_while_the_migration_runs_is_not_touched(
    users: Migrations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "BATCH", 3)
    manager = users.manager

    def disturb(done: int, total: int) -> None:
        assert total == 10
        if done == 3:
            manager.set("user:0", "profile", {"user_id": "late"})
            manager.set("user:7", "profile", {"user_id": "late"})
            manager.set("user:75", "profile", {"user_id": "late"})

    outcome = users.migrate(to(2), disturb)
    assert completed(outcome, 9, 2)
    assert "2 documents were saved while the migration ran" in outcome.warnings[0]
    for scope in ("user:0", "user:7", "user:75"):
        assert value(users, scope) == {"user_id": "late"}
    assert completed(users.migrate(to(2)), 3)


def test_a_document_saved_between_reading_and_writing_a_batch_is_not_touched(users: Migrations) -> None:
    manager = users.manager

    def function(document: dict[str, Any]) -> dict[str, Any]:
        if document["user_id"] == "u5":
            manager.set("user:4", "profile", {"user_id": "late"})
        return document

    request = Request.read({"scope": "user:*", "transformations": [{"transform": "function", "function": function}]})
    assert completed(users.migrate(request), 9, 1)
    assert value(users, "user:4") == {"user_id": "late"}
    users.rollback()
    assert value(users, "user:4") == {"user_id": "late"}


def interrupt_after(migrations: Migrations, batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a migration that is interrupted after some batches."""
    monkeypatch.setattr(run, "BATCH", 2)
    seen: list[int] = []
    migrations.is_stopping = lambda: len(seen) >= batches
    with pytest.raises(Interrupted):
        migrations.migrate(to(2), lambda *_: seen.append(1))
    migrations.is_stopping = lambda: False


def test_an_interrupted_migration_is_resumed(users: Migrations, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt_after(users, 2, monkeypatch)
    assert users.status()["unfinished"] is not None
    assert [("lang" in value(users, f"user:{number}")) for number in range(10)] == [False] * 4 + [True] * 6
    other = users.migrate(to(1))
    assert (other.code, "is unfinished" in str(other.error)) == ("migration", True)
    assert "is unfinished" in str(users.migrate(to(2, dry_run=True)).error)
    assert "is unfinished" in str(users.migrate(Request.read({"to": 2, "transformations": []})).error)
    assert completed(users.migrate(to(2)), 10)
    assert users.status()["unfinished"] is None
    assert not any("lang" in value(users, f"user:{number}") for number in range(10))


def test_an_interrupted_migration_is_undone(users: Migrations, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = picture(store)
    interrupt_after(users, 2, monkeypatch)
    outcome = users.rollback()
    assert (outcome.status, outcome.migrated) == ("rolled_back", 4)
    assert picture(store) == before


def test_an_interrupted_rollback_goes_on(users: Migrations, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH", 2)
    before = picture(store)
    users.migrate(to(2))
    checks = iter([False, False, True])
    users.is_stopping = lambda: next(checks, True)
    with pytest.raises(Interrupted):
        users.rollback()
    users.is_stopping = lambda: False
    assert users.rollback().status == "rolled_back"
    assert picture(store) == before


def test_rollbacks_go_back_one_by_one(users: Migrations, store: Store) -> None:
    before = picture(store)
    first = users.migrate(to(2))
    users.register({"version": 3, "scope": "user:*", "fields": V2["fields"]})
    second = users.migrate(to(3))
    assert "came later" in str(users.rollback(first.id).error)
    assert users.rollback("unknown").code == "not_found"
    assert users.rollback(second.id).error is None
    assert "was undone already" in str(users.rollback(second.id).error)
    assert users.rollback().error is None
    assert picture(store) == before
    nothing = users.rollback()
    assert (nothing.is_success, nothing.code) == (False, "migration")
    assert [each.outcome for each in users.history()] == ["rolled_back", "rolled_back"]


def test_two_migrations_at_once_are_refused(users: Migrations) -> None:
    with lease.Lease(users.manager.store, users.manager.clock):
        outcome = users.migrate(to(2))
        assert (outcome.code, "is running already" in str(outcome.error)) == ("storage_busy", True)
        assert users.rollback().code == "storage_busy"
    assert completed(users.migrate(to(2)), 10)


@pytest.mark.parametrize("seconds", [1, -1])
def test_a_lease_of_another_machine_holds_until_it_ends(
    users: Migrations, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(owner, "_machine", lambda: "elsewhere")
        patch.setattr(owner, "SECONDS", seconds)
        held = lease.Lease(users.manager.store, users.manager.clock)
        held.__enter__()
    outcome = users.migrate(to(2))
    assert (outcome.code == "storage_busy") is (seconds > 0)
    with pytest.raises(MigrationError, match="taken") if seconds < 0 else users.manager.store.read():
        if seconds < 0:
            with users.manager.store.write() as txn:
                held.renew(txn)


def test_a_migration_cannot_run_inside_a_transaction(users: Migrations) -> None:
    with users.manager.transaction():
        assert users.migrate(to(2)).code == "bad_argument"
        assert users.rollback().code == "bad_argument"


def test_the_backup_comes_first_and_its_failure_changes_nothing(users: Migrations, store: Store) -> None:
    before = picture(store)

    def backup(description: str) -> str:
        assert "2.0.0" in description
        assert picture(store) == before
        return "backup-1"

    users.backup = backup
    assert users.migrate(to(2, dry_run=True)).backup_id is None
    assert users.migrate(to(2)).backup_id == "backup-1"
    users.rollback()

    def fail(description: str) -> str:
        raise StorageFull(f"no room for {description}")

    users.backup = fail
    assert users.migrate(to(2)).code == "storage_full"
    assert picture(store) == before
    assert users.status()["unfinished"] is None


def test_a_damaged_document_stops_the_migration(users: Migrations, store: Store) -> None:
    key = b"suser:5\0profile"
    good = store.get(key)
    assert good is not None
    with store.write() as txn:
        txn.put(key, good[:-1] + bytes([good[-1] ^ 1]))
    outcome = users.migrate(to(2))
    assert outcome.code == Corrupt.code
    assert "'profile' in scope 'user:5' is damaged" in str(outcome.error)
    with store.write() as txn:
        txn.put(key, good)


def test_a_document_that_would_be_too_large_stops_the_migration(store: Store) -> None:
    migrations = setup(store, max_value_bytes=100)
    migrations.manager.set("a", "k", {"text": "x" * 60})
    copy = {"transformations": [{"transform": "copy", "field": "text", "to": "again"}]}
    assert "rule value_too_large" in str(migrations.migrate(Request.read(copy)).error)


def test_what_a_function_gives_must_be_a_value(store: Store) -> None:
    migrations = setup(store)
    migrations.manager.set("a", "k", {"n": 1})
    for result, rule in (
        (lambda _: {"n": object()}, BadValue.code),
        (lambda _: None, "function"),
        (lambda _: {}["x"], "function"),
    ):
        outcome = migrations.migrate(Request.read({"transformations": [{"transform": "function", "function": result}]}))
        assert f"(rule {rule})" in str(outcome.error)
    assert value(migrations, "a", "k") == {"n": 1}


@pytest.mark.parametrize(
    ("class_", "level", "fails"),
    [("trusted", "strict", False), ("external", "none", True), ("standard", "none", False)],
)
def test_the_class_says_how_closely_documents_are_checked(store: Store, class_: str, level: str, fails: bool) -> None:
    migrations = setup(store, level)
    migrations.manager.set("user:1", "profile", {"user_id": "u", "age": 151}, class_=class_)
    migrations.register(V1)
    migrations.register(V2)
    assert (migrations.migrate(to(2)).error is not None) is fails
    assert migrations.manager.entry("user:1", "profile").class_name == class_


def test_documents_are_checked_before_they_are_migrated(migrations: Migrations) -> None:
    migrations.manager.set("user:1", "profile", {"lang": "de"})
    migrations.register(V1)
    migrations.register({**V2, "fields": {}})
    assert "$.user_id is missing (rule required)" in str(migrations.migrate(to(2)).error)


def test_history_tells_what_ran(users: Migrations) -> None:
    heard: list[str] = []
    users.announce = lambda event, data, *, point="": heard.append(f"{event} {data['to_version']} {point}".strip())
    outcome = users.migrate(to(2))
    users.rollback()
    (entry,) = users.history()
    assert (entry.id, entry.outcome, entry.migrated, entry.restored) == (outcome.id, "rolled_back", 10, 10)
    assert entry.checksum
    assert entry.plan_hash == outcome.plan_hash
    assert entry.started_at <= entry.finished_at
    assert heard == [
        "migration.started 2.0.0",
        "migration.completed 2.0.0 StateMigration",
        "migration.rolled_back 1.0.0 StateMigration",
    ]


def test_what_is_sensitive_is_neither_shown_nor_quoted(migrations: Migrations, monkeypatch: pytest.MonkeyPatch) -> None:
    # As with encryption, which is not built.
    monkeypatch.setattr("llmspell.state.manager.admit", lambda *_: None)
    heard: list[str] = []
    migrations.announce = lambda event, data, *, point="": heard.append(repr(data))
    migrations.manager.set("user:1", "profile", {"user_id": "u1", "lang": "SECRET"}, class_="sensitive")
    migrations.register(V1)
    migrations.register({**V2, "fields": {"user_id": "string", "preferences": {"type": "object", "fields": {
        "language": {"type": "string", "enum": ["de"]}}}}})  # fmt: skip
    plan = migrations.plan(to(2))
    assert plan.samples[0].before == {"user_id": "**redacted**", "lang": "**redacted**"}
    outcome = migrations.migrate(to(2))
    assert "$.preferences.language does not fit (rule enum)" in str(outcome.error)
    with pytest.raises(SchemaError, match=r"\$.user_id does not fit"):
        migrations.manager.set("user:1", "profile", {"user_id": ["SECRET"]}, class_="sensitive")
    migrations.manager.guard = None
    migrations.manager.set("user:1", "profile", {"user_id": ["SECRET"]}, class_="sensitive")
    told = repr([heard, plan.samples[0].after, plan.samples[0].error, outcome.error, migrations.validate()])
    assert "does not fit" in told
    assert "SECRET" not in told


def test_originals_of_old_migrations_are_dropped(users: Migrations, monkeypatch: pytest.MonkeyPatch) -> None:
    users.migrate(to(2, scope="user:1"))
    monkeypatch.setattr("llmspell.migration.originals.KEEP_DAYS", -1)
    users.migrate(to(2, scope="user:2"))
    assert users.rollback().migrated == 1
    assert "originals" in str(users.rollback().error)


def test_status_without_any_schema(migrations: Migrations) -> None:
    status = migrations.status()
    assert (status["current_version"], status["migration_available"]) == ("unknown", False)
    assert status["error"] == "No current schema found"


def test_status_counts_what_waits(users: Migrations) -> None:
    status = users.status()
    assert (status["latest_version"], status["is_latest"], status["pending"]) == ("2.0.0", False, 10)
    assert (status["migration_available"], status["migration_targets"]) == (True, ["2.0.0"])
    users.migrate(to(2))
    status = users.status()
    assert (status["is_latest"], status["pending"], status["migration_available"]) == (True, 0, False)


def test_validate_finds_every_document_that_does_not_fit(users: Migrations) -> None:
    assert users.validate() == (10, [])
    users.manager.guard = None
    users.manager.set("user:1", "profile", {"lang": "de"})
    users.manager.set("user:2", "profile", {"user_id": 5})
    checked, problems = users.validate()
    assert checked == 10
    assert [problem.split(": ", 1)[1] for problem in problems] == [
        "$.user_id is missing (rule required)", "$.user_id must be text, got an integer (5) (rule type)"
    ]  # fmt: skip


def test_registering_the_same_again_is_harmless_and_other_content_a_conflict(users: Migrations, store: Store) -> None:
    before = picture(store, b"M")
    assert users.register({name: V2[name] for name in sorted(V2)}) == "2.0.0"
    assert users.register({**V2, "fields": {name: V2["fields"][name] for name in sorted(V2["fields"])}}) == "2.0.0"
    assert picture(store, b"M") == before
    with pytest.raises(Conflict, match=r"2\.0\.0 is registered already"):
        users.register({**V2, "fields": {}})
    assert setup(store).schema_versions() == ["1.0.0", "2.0.0"]


def test_a_schema_registered_in_a_transaction_goes_with_it(migrations: Migrations) -> None:
    def attempt() -> None:
        with migrations.manager.transaction():
            migrations.register(V1)
            assert migrations.schema_versions() == ["1.0.0"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        attempt()
    assert migrations.schema_versions() == []
    migrations.register({**V1, "fields": {}})
    assert migrations.schema_versions() == ["1.0.0"]
    assert migrations.catalogue.schemas[(1, 0, 0)].fields == {}


def test_what_the_store_keeps_is_verified(users: Migrations, store: Store) -> None:
    with store.write() as txn:
        for key, stored in list(txn.scan(b"Ms", b"Mt")):
            txn.put(key, stored[:-1] + bytes([stored[-1] ^ 1]))
    with pytest.raises(Corrupt, match="damaged"):
        setup(store).schema_versions()


def test_steps_and_rules_of_a_schema_are_for_the_documents_it_covers_only(users: Migrations) -> None:
    rename = {"transform": "rename", "field": "lang", "to": "tongue"}
    users.register(
        {"version": 3, "compatibility": "none", "fields": {"id": "string"},
         "migration_path": [{"from_version": 1, "transformations": [{"transform": "rename", "field": "user_id", "to": "id"}]},
                            {"from_version": 2, "transformations": [rename]}]}
    )  # fmt: skip
    users.manager.set("order:1", "profile", {"lang": "en", "age": 500})
    users.migrate(to(2, scope="user:1"))
    outcome = users.migrate(to(3))
    assert completed(outcome, 11)
    assert value(users, "order:1") == {"lang": "en", "age": 500}
    assert value(users, "user:0") == {"id": "u0", "lang": "de", "age": 0}
    assert value(users, "user:1") == {"user_id": "u1", "preferences": {"language": "de"}, "age": 1}
    assert {users.manager.entry(scope, "profile").schema_version for scope in ("order:1", "user:0")} == {"3.0.0"}


def test_transformations_without_a_version_need_no_schema_that_covers(users: Migrations) -> None:
    users.manager.set("free", "k", {"user_id": 5})
    assert completed(users.migrate(Request.read({"scope": "free", "transformations": []})), 1)
    broken = {"scope": "user:1", "transformations": [{"transform": "remove", "field": "user_id"}]}
    assert "rule required" in str(users.migrate(Request.read(broken)).error)
