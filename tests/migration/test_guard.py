"""The guard: what saves must be, and what reads make of older documents."""

from typing import Any

import pytest

from llmspell import values
from llmspell.errors import SchemaError
from llmspell.migration.engine import Migrations
from llmspell.storage.store import Store
from tests.migration.conftest import V1, V2, setup, to

GOOD: dict[str, Any] = {"user_id": "u", "age": 5}
TOO_OLD = {"user_id": "u", "age": 151}
WRONG = {"user_id": 5}


@pytest.mark.parametrize(
    ("level", "class_", "too_old", "wrong"),
    [
        ("strict", "standard", True, True),
        ("basic", "standard", False, True),
        ("none", "standard", False, False),
        ("strict", "trusted", False, False),
        ("none", "external", True, True),
        ("strict", "ephemeral", True, True),
    ],
)
def test_a_save_must_fit_at_the_level_of_its_class(
    store: Store, level: str, class_: str, too_old: bool, wrong: bool
) -> None:
    state = setup(store, level, schema_version="2.0.0")
    state.register(V2)
    state.manager.set("user:a", "profile", GOOD, class_=class_)
    for value, is_refused in ((TOO_OLD, too_old), (WRONG, wrong)):
        if is_refused:
            with pytest.raises(SchemaError, match=r"'profile' in scope 'user:a' breaks the schema 2\.0\.0: \$\."):
                state.manager.set("user:a", "profile", value, class_=class_)
            assert state.manager.get("user:a", "profile") == GOOD
        else:
            state.manager.set("user:b", "profile", value, class_=class_)


def test_what_no_schema_covers_is_not_looked_at(store: Store) -> None:
    state = setup(store, schema_version="2.0.0")
    state.manager.set("user:a", "profile", WRONG)
    state.register(V2)
    state.manager.set("elsewhere", "profile", WRONG)
    state.manager.set("user:a", "profile", [WRONG])
    assert state.manager.increment("user:a", "count") == 1


def test_every_way_of_saving_is_checked(store: Store) -> None:
    state = setup(store, schema_version="2.0.0")
    state.register(V2)
    with pytest.raises(SchemaError):
        state.manager.modify("user:a", "profile", lambda _: WRONG)
    with pytest.raises(SchemaError), state.manager.transaction():
        state.manager.set("user:a", "profile", WRONG)
    with pytest.raises(SchemaError):
        state.manager.save("user:a", "profile", b' {"user_id":5}')
    assert state.manager.list_scopes() == []


def test_another_process_sees_a_migration_at_its_next_save(store: Store) -> None:
    one, other = setup(store), setup(store)
    one.register(V1)
    one.register(V2)
    other.manager.set("user:a", "profile", TOO_OLD | {"age": 5})
    one.migrate(to(2))
    with pytest.raises(SchemaError):
        other.manager.set("user:a", "profile", TOO_OLD)
    other.manager.set("user:b", "profile", GOOD)
    assert other.manager.entry("user:b", "profile").schema_version == "2.0.0"


@pytest.fixture
def auto(store: Store) -> Migrations:
    """Three documents of the first version, with upgrades on."""
    state = setup(store, guarded=False)
    for name in "abc":
        state.manager.set(f"user:{name}", "profile", {"user_id": name, "lang": "de"})
    state.manager.set("other", "profile", {"user_id": 1, "lang": "de"})
    state.manager.set("user:x", "profile", {"user_id": "x", "age": 151})
    auto = setup(store, auto=True)
    auto.register(V1)
    auto.register(V2)
    return auto


UPGRADED = {"user_id": "a", "preferences": {"language": "de"}}


def test_a_document_is_upgraded_when_it_is_read_and_written_back(auto: Migrations, store: Store) -> None:
    assert auto.manager.get("user:a", "profile") == UPGRADED
    plain = setup(store, guarded=False).manager
    entry = plain.entry("user:a", "profile")
    assert (entry.value, entry.schema_version) == (UPGRADED, "2.0.0")
    assert plain.get("user:b", "profile") == {"user_id": "b", "lang": "de"}
    assert [len(plain.history(f"user:{name}", "profile")) for name in "ab"] == [2, 1]
    version = plain.version()
    assert auto.manager.get("user:a", "profile") == UPGRADED
    assert auto.manager.get("other", "profile") == {"user_id": 1, "lang": "de"}
    assert plain.version() == version


def test_every_way_of_reading_upgrades(auto: Migrations, store: Store) -> None:
    manager = auto.manager
    assert manager.entry("user:a", "profile").schema_version == "2.0.0"
    assert manager.list("user:b") == [("profile", values.encode({**UPGRADED, "user_id": "b"}))]
    assert manager.modify("user:c", "profile", lambda value: {**value, "age": 1})["preferences"] == {"language": "de"}
    stored = setup(store, guarded=False).manager
    assert {stored.entry(f"user:{name}", "profile").schema_version for name in "abc"} == {"2.0.0"}


def test_an_upgrade_inside_a_transaction_is_undone_with_it(auto: Migrations, store: Store) -> None:
    def attempt() -> None:
        with auto.manager.transaction():
            assert auto.manager.get("user:a", "profile") == UPGRADED
            assert auto.manager.get("user:a", "profile") == UPGRADED
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        attempt()
    assert setup(store, guarded=False).manager.entry("user:a", "profile").schema_version == "1.0.0"


def test_a_document_that_cannot_be_upgraded_is_an_error_that_names_it(auto: Migrations) -> None:
    with pytest.raises(
        SchemaError, match=r"'profile' in scope 'user:x' cannot go to version 2\.0\.0: \$\.age .*rule max"
    ):
        auto.manager.get("user:x", "profile")
    auto.manager.set("user:x", "profile", GOOD)
    assert auto.manager.get("user:x", "profile") == GOOD


def test_saves_get_the_latest_version_when_reads_upgrade(auto: Migrations) -> None:
    auto.manager.set("user:new", "profile", GOOD)
    assert auto.manager.entry("user:new", "profile").schema_version == "2.0.0"
    assert auto.status()["current_version"] == "2.0.0"
    outcome = auto.migrate(to(2, scope="user:b"))
    assert (outcome.status, outcome.migrated) == ("completed", 1)
