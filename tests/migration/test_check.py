"""Damage to what migrations keep in the store is found by looking at the store."""

import pytest

from llmspell.migration import layout
from llmspell.migration.check import examine
from llmspell.migration.engine import Migrations
from llmspell.migration.lease import Lease
from llmspell.storage import record
from llmspell.storage.check import check
from tests.migration.conftest import picture, to


def test_every_bit_of_every_entry_counts(users: Migrations) -> None:
    assert users.migrate(to("2.0.0")).is_success
    store = users.manager.store
    with Lease(store, users.manager.clock):
        entries = picture(store, layout.SPACE)
        assert {key[:2] for key in entries} >= {
            layout.CURRENT,
            layout.SCHEMAS,
            layout.LEASE,
            layout.HISTORY,
            layout.ORIGINALS,
        }
        assert check(store, examine).problems == []
    for key, value in entries.items():
        assert examine(key, value) is None
        for place in range(len(value)):
            assert examine(key, value[:place] + bytes([value[place] ^ 16]) + value[place + 1 :]), (key, place)
        assert examine(key, value[:-1])
        assert examine(key, b"")


WRONG: list[tuple[bytes, object]] = [
    (layout.schema_key((7, 0, 0)), {"version": "1.0.0", "fields": {}}),
    (layout.schema_key((7, 0, 0)), {"version": "7.0.0", "fields": {"a": {"type": "nothing"}}}),
    (layout.CURRENT, {"current": "one"}),
    (layout.CURRENT, {}),
    (layout.ACTIVE, {"id": "x"}),
    (layout.history_key(1), []),
    (b"Mz", {}),
]


@pytest.mark.parametrize(("key", "value"), WRONG, ids=str)
def test_entry_that_cannot_be_is_a_problem(migrations: Migrations, key: bytes, value: object) -> None:
    with migrations.manager.store.write() as txn:
        layout.write(txn, key, value)
    assert len(check(migrations.manager.store, examine).problems) == 1
    with migrations.manager.store.write() as txn:
        txn.delete(key)


def test_batch_that_was_cut_off_is_a_problem(users: Migrations) -> None:
    users.migrate(to("2.0.0"))
    store = users.manager.store
    key, value = next((k, v) for k, v in picture(store, layout.SPACE).items() if k.startswith(layout.ORIGINALS))

    assert examine(key, record.seal(key, b"", value[:-8]))
