"""`llmspell check`: damage is found, named and removed when asked."""

from pathlib import Path

import pytest

from llmspell.storage import pieces
from llmspell.storage.keys import HEAD, JOURNAL, STATE, next_space
from llmspell.storage.lmdb import LmdbStore
from tests.cli.conftest import Shell


@pytest.fixture
def kept(shell: Shell) -> Shell:
    """A shell with three values on disk."""
    shell.disk()
    for key in ("a", "b", "c"):
        assert shell("state", "set", "app", key, '"value"').status == 0
    return shell


def damage(folder: Path, key: str) -> None:
    """Turn one bit of a stored value."""
    with LmdbStore(folder) as store, store.write() as transaction:
        name = STATE + b"app\0" + key.encode()
        value = bytearray(transaction.get(name) or b"")
        value[-6] ^= 1
        transaction.put(name, bytes(value))


def test_sound_store_passes(kept: Shell) -> None:
    ran = kept("check", "--output", "json")
    assert (ran.status, ran.err) == (0, "")
    assert ran.json["sound"] is True
    assert ran.json["entries"] > 3


def test_damaged_value_is_named_and_exit_status_is_4(kept: Shell) -> None:
    damage(kept.folder / "store", "b")
    ran = kept("check", "--output", "json")
    assert (ran.status, ran.json["error"]["code"]) == (4, "corrupt")
    assert "the value of 'b' in scope 'app' is damaged" in ran.err
    assert kept("state", "get", "app", "b").status == 4
    assert kept("state", "get", "app", "a").status == 0


def test_repair_removes_the_damaged_value_and_nothing_else(kept: Shell) -> None:
    damage(kept.folder / "store", "b")
    assert kept("check", "--repair", "--output", "json").json["removed"] == 1
    assert kept("state", "keys", "app").out == "a\nc\n"
    assert kept("state", "set", "app", "b", "1").status == 0
    assert kept("check").status == 0


def test_repair_removes_a_value_of_which_a_piece_is_lost(kept: Shell) -> None:
    for key in ("aa", "z"):
        assert kept("state", "set", "app", key, f'"{"x" * 2100}"').status == 0
    with LmdbStore(kept.folder / "store") as store, store.write() as transaction:
        key = STATE + b"app\0aa"
        assert transaction._txn.delete(pieces.keys_of(key, transaction._txn.get(key) or b"")[0])
    ran = kept("check")
    assert (ran.status, "the value of 'aa' in scope 'app' is damaged" in ran.err) == (4, True)
    assert kept("check", "--repair", "--output", "json").json["removed"] == 1
    assert kept("state", "keys", "app").out == "a\nb\nc\nz\n"
    assert kept("check").status == 0


@pytest.mark.parametrize("which", [-1, 0, "head", "all"])
def test_repair_mends_the_version_counter_and_loses_no_value(kept: Shell, which: int | str) -> None:
    kept("state", "set", "app", "a", "2")
    kept("state", "delete", "app", "c")
    with LmdbStore(kept.folder / "store") as store, store.write() as transaction:
        entries = list(transaction.scan_keys(JOURNAL, next_space(JOURNAL)))
        before = int.from_bytes(entries[-1][1:9], "big")
        for key in [HEAD] if which == "head" else entries if which == "all" else [entries[int(which)]]:
            transaction.put(key, (transaction.get(key) or b"")[:-1] + b"?")
    assert kept("check").status == 4
    kept("check", "--repair")
    assert kept("check").status == 0
    assert kept("state", "get", "app", "a").out == "2\n"
    assert kept("state", "keys", "app").out == "a\nb\n"
    assert kept("state", "set", "app", "d", "1").status == 0
    assert kept("state", "stats", "--output", "json").json["version"] == before + 1
    assert kept("check").status == 0


def test_check_without_repair_changes_nothing(kept: Shell) -> None:
    damage(kept.folder / "store", "b")
    kept("check")
    assert kept("check").status == 4


def test_sweep_removes_what_has_expired(kept: Shell) -> None:
    kept("state", "set", "app", "short", "1", "--ttl", "0.001")
    assert kept("check", "--sweep", "--output", "json").json["swept"] == 1
    assert kept("check", "--sweep", "--output", "json").json["swept"] == 0


def test_foreign_file_is_no_empty_store(kept: Shell) -> None:
    (kept.folder / "store" / "data.mdb").write_bytes(b"not a store" * 1000)
    assert kept("check").status == 4
    assert kept("exec", "return 1").status == 4
