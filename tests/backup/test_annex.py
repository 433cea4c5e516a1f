"""Sessions in a store of their own are in the backups of the state too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmspell import config
from llmspell.backup.annex import Annex
from llmspell.backup.retention import Policy
from llmspell.errors import Corrupt
from llmspell.runtime import Runtime
from llmspell.state.manager import StateManager
from llmspell.storage.check import check
from llmspell.storage.lmdb import LmdbStore
from tests.backup.conftest import DAY, Place, content


class Pair(Place):
    """A state and a second store, both in the backups."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.other = StateManager(LmdbStore(folder / "other", sync=False), clock=self.clock, journal=None)
        self.backups = self.use(annex=Annex(self.other, str(self.path)))

    def write(self, number: int) -> None:
        self.state.set("a", "key", number)
        self.other.set("b", "key", number)

    def read(self) -> tuple[object, object]:
        return self.state.get("a", "key"), self.other.get("b", "key")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    with made.store, made.other.store:
        yield made
        assert check(made.store).problems == []
        assert check(made.other.store).problems == []


def test_both_stores_go_back_together(pair: Pair) -> None:
    pair.write(1)
    made = pair.backups.create()
    pair.write(2)
    changed = pair.backups.create("incremental")
    pair.write(3)
    for backup, number in ((made, 1), (changed, 2)):
        assert pair.backups.validate(backup.id, restore_test=True).errors == []
        pair.backups.restore(backup.id, dry_run=True)
        safety = pair.backups.restore(backup.id).safety_backup_id
        assert pair.read() == (number, number)
        assert safety is not None
        pair.backups.restore(safety)
        assert pair.read() == (3, 3)


def test_new_stores_beside_each_other(pair: Pair, tmp_path: Path) -> None:
    pair.write(1)
    made = pair.backups.create()
    pair.backups.restore(made.id, to=str(tmp_path / "new"))
    for path, original in (("new", pair.store), ("new.sessions", pair.other.store)):
        with LmdbStore(tmp_path / path) as store:
            assert content(store, exactly=True) == content(original, exactly=True)


def test_one_scope_leaves_the_other_store(pair: Pair) -> None:
    pair.write(1)
    made = pair.backups.create()
    pair.write(2)
    pair.backups.restore(made.id, scope="a")
    assert pair.read() == (1, 2)
    assert pair.backups.create(scopes=["a"]).scopes == ["a"]


def test_cleaning_up_removes_what_nothing_needs(pair: Pair) -> None:
    ids = []
    for number in range(6):
        pair.write(number)
        pair.clock.now += DAY
        ids.append(pair.backups.create("incremental" if number in (1, 2, 4) else "full").id)
    backups = pair.use(annex=Annex(pair.other, str(pair.path)), policy=Policy(max_backups=2))
    before = backups.usage().stored
    foreseen = backups.cleanup(dry_run=True)
    assert backups.usage().stored == before
    cleaned = backups.cleanup()
    assert (cleaned.freed, [each.keep for each in cleaned.decisions]) == (
        foreseen.freed, [True, True, True, False, False, False]
    )  # fmt: skip
    assert before - backups.usage().stored == cleaned.freed
    for backup_id, number in zip(ids[3:], (3, 4, 5), strict=True):
        backups.restore(backup_id, backup_first=False)
        assert pair.read() == (number, number)


@pytest.mark.parametrize("suffix", [".pack", ".manifest"])
def test_damage_to_the_annex_is_damage_to_the_backup(pair: Pair, suffix: str) -> None:
    pair.write(1)
    made = pair.backups.create()
    pair.write(2)
    file = pair.path / "sessions" / (made.id + suffix)
    data = bytearray(file.read_bytes())
    data[70] ^= 1
    file.write_bytes(data)
    assert not pair.backups.validate(made.id).is_valid
    with pytest.raises(Corrupt):
        pair.backups.restore(made.id)
    assert pair.read() == (2, 2)


def test_a_configured_store_of_sessions_is_in_the_backups(tmp_path: Path) -> None:
    file = tmp_path / "llmspell.toml"
    file.write_text(
        f'[state]\nbackend = "disk"\npath = "{tmp_path}/state"\n[state.backup]\nenabled = true\n'
        f'backup_dir = "{tmp_path}/backups"\n[runtime.sessions]\nenabled = true\nstorage_backend = "disk"\n'
        f'path = "{tmp_path}/sessions"\n'
    )
    with Runtime(config.load(str(file), environ={}, cwd=str(tmp_path))) as runtime:
        first = runtime.sessions.create(name="first")
        made = runtime.backups.create()
        runtime.sessions.create(name="second")
        runtime.backups.restore(made.id)
        assert [each.id for each in runtime.sessions.list()] == [first]
