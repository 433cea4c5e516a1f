"""Restoring: exactly what was there, all of it or nothing, here or elsewhere."""

from pathlib import Path

import pytest

from llmspell.errors import BackupError, BadArgument, NotFound, StorageBusy
from llmspell.state.manager import StateManager
from llmspell.storage import keys
from llmspell.storage.check import check
from llmspell.storage.grouped import GroupedStore
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.memory import MemoryStore
from tests.backup.conftest import DAY, Place, content, values


def fill(state: StateManager) -> None:
    for number in range(300):
        state.set(f"user:{number % 7}", f"key{number}", {"number": number, "text": "x" * number})
    state.set("user:1", "short", 1, ttl=60)
    state.set("user:1", "key1", "changed")
    state.delete("user:2", "key2")


def test_what_came_later_goes_and_what_was_there_is_back(place: Place) -> None:
    fill(place.state)
    before, history = values(place.state), [r.version for r in place.state.history("user:1", "key1")]
    made = place.backups.create()
    place.state.set("user:1", "key1", "later")
    place.state.clear("user:3")
    place.state.set("later", "key", 1)
    place.state.set("user:1", "short", 2)
    done = place.backups.restore(made.id)
    assert values(place.state) == before
    assert [r.version for r in place.state.history("user:1", "key1")] == history
    assert (done.restored, done.removed, done.losses) == (len(before), 1, [])
    assert place.state.entry("user:1", "short").expires_at is not None  # type: ignore[union-attr]
    place.clock.now += 61_000_000
    assert not place.state.exists("user:1", "short")


def test_a_restored_expiry_is_swept_and_a_later_one_is_forgotten(place: Place) -> None:
    place.state.set("a", "stays", 1)
    place.state.set("a", "goes", 1, ttl=100)
    made = place.backups.create()
    place.state.set("a", "stays", 1, ttl=5)
    place.state.set("a", "goes", 1)
    place.backups.restore(made.id)
    place.clock.now += 50_000_000
    assert place.state.sweep() == 0
    assert place.state.list_keys("a") == ["goes", "stays"]
    place.clock.now += 60_000_000
    assert place.state.sweep() == 1
    assert place.state.list_keys("a") == ["stays"]


def test_the_safety_backup_undoes_a_restore(place: Place) -> None:
    place.state.set("a", "key", "old")
    made = place.backups.create()
    place.state.set("a", "key", "new")
    safety = place.backups.restore(made.id).safety_backup_id
    assert place.state.get("a", "key") == "old"
    assert safety is not None
    place.backups.restore(safety, backup_first=False)
    assert place.state.get("a", "key") == "new"


def test_versions_go_on_and_followers_learn_what_a_restore_changed(place: Place) -> None:
    place.state.set("a", "same", 1)
    place.state.set("a", "back", 1)
    made = place.backups.create()
    place.state.set("a", "back", 2)
    place.state.set("a", "gone", 2)
    seen = place.state.version()
    place.backups.restore(made.id)
    assert place.state.version() > seen
    found, following = place.state.changes(since=seen)
    assert [(each.operation, each.key) for each in found] == [("save", "back"), ("delete", "gone")]
    place.state.set("a", "back", 3)
    assert [each.key for each in place.state.changes(since=following)[0]] == ["back"]
    assert place.state.load_at("a", "back", made.version) is not None


def test_an_empty_store_becomes_the_very_same(place: Place, tmp_path: Path) -> None:
    fill(place.state)
    exact = content(place.store, exactly=True)
    made = place.backups.create()
    with LmdbStore(tmp_path / "empty", sync=False) as store:
        done = place.use(place.open(store)).restore(made.id)
        assert done.safety_backup_id is None
        assert content(store, exactly=True) == exact


@pytest.mark.parametrize("incremental", [False, True])
def test_a_new_path_and_another_kind_of_store_become_the_very_same(
    place: Place, tmp_path: Path, incremental: bool
) -> None:
    fill(place.state)
    made = place.backups.create()
    if incremental:
        place.state.set("user:1", "key1", "again")
        place.state.delete("user:4", "key4")
        made = place.backups.create("incremental")
        assert made.layer == "changes"
    exact = content(place.store, exactly=True)
    place.state.set("later", "key", 1)
    place.backups.restore(made.id, to=str(tmp_path / "new"))
    with LmdbStore(tmp_path / "new") as store:
        assert content(store, exactly=True) == exact
        assert check(store).problems == []
    with MemoryStore() as memory:
        place.backups.restore(made.id, to=memory)
        assert content(memory, exactly=True) == exact
    assert place.state.get("later", "key") == 1


def test_a_path_that_is_taken_is_refused_and_stays(place: Place, tmp_path: Path) -> None:
    made = place.backups.create()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    with pytest.raises(BackupError, match="something at"):
        place.backups.restore(made.id, to=str(tmp_path / "taken"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["backups", "store", "taken"]


def test_one_scope_is_restored_alone_and_its_history_goes_on(place: Place) -> None:
    place.state.set("app", "key", "old", ttl=1000, class_="trusted")
    place.state.set("app", "same", 1)
    place.state.set("apple", "key", "old")
    made = place.backups.create()
    created = place.state.entry("app", "key").created_at  # type: ignore[union-attr]
    for scope in ("app", "apple"):
        place.state.set(scope, "key", "new")
        place.state.set(scope, "later", 1)
    version = place.state.version()
    done = place.backups.restore(made.id, scope="app")
    assert (done.restored, done.removed) == (2, 1)
    assert values(place.state) == {
        ("app", "key"): "old", ("app", "same"): 1, ("apple", "key"): "new", ("apple", "later"): 1,
    }  # fmt: skip
    entry = place.state.entry("app", "key")
    assert entry is not None
    assert (entry.class_name, entry.created_at, entry.version) == ("trusted", created, version + 1)
    assert entry.expires_at is not None
    assert [each.operation for each in place.state.history("app", "later")] == ["delete", "save"]
    assert len(place.state.history("app", "key")) == 3


def test_a_backup_of_some_scopes_holds_and_restores_only_them(place: Place) -> None:
    for scope in ("a", "ab", "b"):
        place.state.set(scope, "key", 1)
    made = place.backups.create(scopes=["a", "b"])
    assert (made.values, made.scopes) == (2, ["a", "b"])
    for scope in ("a", "ab", "b"):
        place.state.set(scope, "key", 2)
    assert place.backups.validate(made.id, restore_test=True).errors == []
    place.backups.restore(made.id)
    assert values(place.state) == {("a", "key"): 1, ("ab", "key"): 2, ("b", "key"): 1}
    place.state.set("b", "key", 3)
    place.backups.restore(made.id, scope="a")
    assert place.state.get("b", "key") == 3
    with pytest.raises(NotFound):
        place.backups.restore(made.id, scope="ab")
    with pytest.raises(BadArgument):
        place.backups.create("incremental", scopes=["a"])
    assert place.backups.create("incremental").parent != made.id


def test_a_dry_run_tells_the_same_and_changes_nothing(place: Place) -> None:
    fill(place.state)
    made = place.backups.create()
    place.state.set("later", "key", 1)
    place.state.clear("user:3")
    exact, files = content(place.store, exactly=True), place.files()
    for options in ({}, {"scope": "later"}, {"to": "nowhere"}):
        told = place.backups.restore(made.id, dry_run=True, **options)  # type: ignore[arg-type]
        assert told.safety_backup_id is None
    assert (content(place.store, exactly=True), place.files()) == (exact, files)
    told = place.backups.restore(made.id, dry_run=True)
    done = place.backups.restore(made.id)
    assert (told.restored, told.removed) == (done.restored, done.removed)


def test_a_damaged_store_is_healed(place: Place) -> None:
    place.state.set("a", "key", "fine")
    made = place.backups.create()
    for scope in (None, "a"):
        with place.store.write() as txn:
            txn.put(b"sa\0key", b"garbage")
        place.backups.restore(made.id, scope=scope, backup_first=False)
        assert place.state.get("a", "key") == "fine"


def test_ephemeral_values_are_in_no_backup(place: Place) -> None:
    place.state.set("a", "secret", "ephemeral-marker", class_="ephemeral")
    place.state.set("a", "kept", 1)
    made = place.use(compression="none").create()
    assert made.values == 1
    assert not any(b"ephemeral-marker" in data for data in place.files().values())


def test_spaces_of_later_parts_are_in_every_backup(place: Place, tmp_path: Path) -> None:
    with place.store.write() as txn:
        for number in range(50):
            txn.put(b"A" + bytes([number]), bytes([number]) * 1000)
        txn.put(b"\xfe\xfe", b"last")
        txn.put(b"z", b"after")
    place.state.set("a", "key", 1)
    place.backups.create()
    with place.store.write() as txn:
        txn.put(b"A\x07", b"changed")
        txn.delete(b"A\x08")
        txn.put(b"Z", b"new")
    made = place.backups.create("incremental")
    assert made.layer == "changes"
    exact = content(place.store, exactly=True)
    with place.store.write() as txn:
        txn.delete(b"Z")
        txn.put(b"B", b"later")
    place.backups.restore(made.id)
    exact.pop(keys.HEAD, None)
    assert content(place.store) == exact
    with place.store.read() as txn:
        assert (txn.get(b"A\x07"), txn.get(b"A\x08"), txn.get(b"Z"), txn.get(b"B")) == (b"changed", None, b"new", None)
        assert (txn.get(b"\xfe\xfe"), txn.get(b"z")) == (b"last", b"after")


def test_a_grouped_store_is_backed_up_with_what_waits_and_restored(place: Place) -> None:
    with GroupedStore(LmdbStore(place.folder / "grouped", sync=False), 60_000) as store:
        state = place.open(store)
        backups = place.use(state)
        state.set("a", "key", "waiting")
        made = backups.create()
        assert made.values == 1
        state.set("a", "key", "later")
        state.set("a", "more", "later")
        backups.restore(made.id)
        assert values(state) == {("a", "key"): "waiting"}
        state.set("a", "key", "after")
        assert state.get("a", "key") == "after"


def test_inside_a_transaction_backups_are_refused(place: Place) -> None:
    made = place.backups.create()
    with place.state.transaction():
        with pytest.raises(BadArgument, match="inside a transaction"):
            place.backups.create()
        with pytest.raises(BadArgument, match="inside a transaction"):
            place.backups.restore(made.id)


def test_two_at_once_are_refused_and_a_reader_keeps_a_cleaner_out(place: Place) -> None:
    made = place.backups.create()
    other = place.use()
    with place.backups.folder.changing():
        for action in (other.create, other.cleanup, lambda: other.restore(made.id), lambda: other.validate(made.id)):
            with pytest.raises(StorageBusy, match="in use by another command") as caught:
                action()
            assert caught.value.exit_status == 11
    with place.backups.folder.reading():
        with pytest.raises(StorageBusy):
            other.cleanup()
        assert other.validate(made.id).is_valid


def test_an_interrupted_restore_changes_nothing(place: Place) -> None:
    fill(place.state)
    made = place.backups.create()
    place.state.set("later", "key", 1)
    exact = content(place.store, exactly=True)

    def stop(_bytes: int) -> None:
        raise KeyboardInterrupt

    for options in ({}, {"verify": False}, {"verify": False, "scope": "user:1"}):
        with pytest.raises(KeyboardInterrupt):
            place.backups.restore(made.id, backup_first=False, progress=stop, **options)  # type: ignore[arg-type]
        assert content(place.store, exactly=True) == exact
    with pytest.raises(KeyboardInterrupt):
        place.backups.create(progress=stop)
    assert [each.id for each in place.backups.list()] == [made.id]


def test_a_large_restore_leaves_the_feed_and_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmspell.backup.restore.MAX_LISTED", 5)
    for number in range(20):
        place.state.set("a", f"key{number}", 1)
    made = place.backups.create()
    place.state.clear("a")
    seen = place.state.version()
    place.backups.restore(made.id)
    with pytest.raises(NotFound, match="no longer in the journal"):
        place.state.changes(since=seen)
    assert place.state.count("a") == 20


def test_a_long_time_passes(place: Place) -> None:
    place.state.set("a", "key", 1)
    made = place.backups.create()
    place.clock.now += 400 * DAY
    place.state.set("a", "key", 2)
    place.backups.restore(made.id)
    assert place.state.get("a", "key") == 1


def test_another_store_must_be_empty(place: Place) -> None:
    made = place.backups.create()
    with MemoryStore() as memory:
        StateManager(memory).set("mine", "key", 1)
        before = content(memory, exactly=True)
        with pytest.raises(BackupError, match="not empty"):
            place.backups.restore(made.id, to=memory)
        assert content(memory, exactly=True) == before
