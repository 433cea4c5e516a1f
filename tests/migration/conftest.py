"""What the tests of migrations share: a state with documents, its migrations, and a picture of all that is stored."""

from typing import Any

import pytest

from llmspell.migration.catalogue import Catalogue
from llmspell.migration.engine import Migrations
from llmspell.migration.guard import SchemaGuard
from llmspell.migration.request import Request
from llmspell.migration.version import parse
from llmspell.state.manager import StateManager
from llmspell.storage.store import Store

RECORDS = b"shx"
"""The spaces of records, of their history, and of their expiry."""

V1: dict[str, Any] = {
    "version": "1.0.0",
    "scope": "user:*",
    "fields": {"user_id": {"type": "string", "required": True}, "lang": "string", "age": "integer"},
}
V2: dict[str, Any] = {
    "version": "2.0.0",
    "scope": "user:*",
    "fields": {
        "user_id": {"type": "string", "required": True, "max_length": 36},
        "preferences": {"type": "object", "fields": {"language": "string"}},
        "age": {"type": "integer", "max": 150},
    },
    "compatibility": "none",
    "migration_path": [
        {
            "from_version": "1.0.0",
            "transformations": [{"transform": "move", "field": "lang", "to": "preferences.language"}],
        }
    ],
}


def setup(
    store: Store, level: str = "strict", *, guarded: bool = True, auto: bool = False, **options: Any
) -> Migrations:
    """Migrations over a store, with a state that saves are checked in when it is guarded."""
    manager = StateManager(store, transaction_timeout_ms=0, **options)
    catalogue = Catalogue(default=manager.schema, follows_latest=auto)
    if guarded:
        manager.guard = SchemaGuard(manager, catalogue, validation_level=level, upgrades=auto)
    return Migrations(manager, catalogue, validation_level=level)


def to(version: object, **options: Any) -> Request:
    return Request(parse(version), **options)


def picture(store: Store, spaces: bytes = RECORDS) -> dict[bytes, bytes]:
    """Every pair of some spaces."""
    with store.read() as txn:
        return {key: value for key, value in txn.scan(b"") if key[:1] in spaces}


@pytest.fixture
def migrations(store: Store) -> Migrations:
    return setup(store)


@pytest.fixture
def users(migrations: Migrations) -> Migrations:
    """Ten users of the first version, and both versions registered."""
    for number in range(10):
        migrations.manager.set(f"user:{number}", "profile", {"user_id": f"u{number}", "lang": "de", "age": number})
    migrations.register(V1)
    migrations.register(V2)
    return migrations
