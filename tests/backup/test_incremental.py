"""Incremental backups: the cost of what changed, the exactness of everything."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell.backup import chunk, snapshot
from llmspell.backup.backups import Backups
from llmspell.errors import NotEnabled
from llmspell.state.journal import JournalPolicy
from llmspell.state.manager import StateManager
from llmspell.storage import keys
from llmspell.storage.check import check
from llmspell.storage.memory import MemoryStore
from llmspell.storage.record import seal
from tests.backup.conftest import DAY, Clock, Place, content


def fill(state: StateManager, count: int = 2000) -> None:
    with state.transaction():
        for number in range(count):
            state.set("app", f"key{number:05}", f"{number * 7919 % 1_000_003} " * 100)


def same_after_restore(place: Place, backup_id: str) -> None:
    """The backup holds exactly what the store holds now."""
    with MemoryStore() as memory:
        place.backups.restore(backup_id, to=memory)
        assert content(memory, exactly=True) == content(place.store, exactly=True)


def test_it_holds_what_changed_and_restores_everything(place: Place) -> None:
    fill(place.state)
    full = place.backups.create()
    place.state.set("app", "key00001", "changed")
    place.state.delete("app", "key00002")
    place.state.set("new", "key", 1)
    made = place.backups.create("incremental")
    assert (made.kind, made.layer, made.parent, made.values, made.warnings) == (
        "incremental", "changes", full.id, 3, []
    )  # fmt: skip
    assert made.total_bytes < 8192 < full.total_bytes
    same_after_restore(place, made.id)
    assert place.backups.validate(made.id, restore_test=True).errors == []


def test_a_chain_restores_every_point_in_time(place: Place) -> None:
    fill(place.state, 50)
    made = [place.backups.create()]
    contents = [content(place.store, exactly=True)]
    for step in range(12):
        place.state.set("app", f"key{step:05}", step)
        place.state.delete("app", f"key{step + 20:05}")
        place.state.set("app", "always", step)
        made.append(place.backups.create("incremental"))
        contents.append(content(place.store, exactly=True))
    assert {each.layer for each in made[1:]} == {"changes"}
    for each, exact in zip(made, contents, strict=True):
        with MemoryStore() as memory:
            place.backups.restore(each.id, to=memory)
            assert content(memory, exactly=True) == exact


def test_without_anything_to_build_on_it_is_full_and_says_so(place: Place) -> None:
    made = place.backups.create("incremental")
    assert (made.kind, made.parent) == ("full", None)
    assert made.warnings == ["there is no backup to build on, so this one is full"]


def test_without_the_journal_everything_is_read_and_little_is_stored(place: Place) -> None:
    state = place.open(place.store, journal=None)
    fill(state, 20_000)
    backups = place.use(state)
    full = backups.create()
    state.set("app", "key10000", "changed")
    made = backups.create("incremental")
    assert (made.kind, made.layer, made.sources) == ("incremental", "complete", [full.id])
    assert "the journal is off" in made.warnings[0]
    assert made.pack_bytes < full.pack_bytes / 4
    same_after_restore(place, made.id)
    last = backups.create("incremental")
    assert full.id in last.sources
    same_after_restore(place, last.id)
    assert backups.validate(last.id).errors == []


def compact(place: Place, days: float) -> StateManager:
    state = place.open(place.store, journal=JournalPolicy(keep_days=days))
    state.compact()
    return state


def test_a_journal_that_was_shortened_since_is_told_by_its_floor(place: Place) -> None:
    fill(place.state, 30)
    place.state.set("app", "key00001", 1)
    place.backups.create()
    place.clock.now += 20 * DAY
    place.state.set("app", "key00001", 2)
    place.clock.now += 20 * DAY
    place.state.set("app", "key00002", 3)
    compact(place, 10)
    made = place.backups.create("incremental")
    assert (made.layer, "no longer reaches back" in made.warnings[0]) == ("complete", True)
    same_after_restore(place, made.id)


def test_what_the_journal_dropped_before_the_parent_goes_from_the_chain_too(place: Place) -> None:
    for number in range(30):
        place.state.set("app", f"key{number % 3}", number)
    place.clock.now += 20 * DAY
    place.state.set("app", "key0", "parent")
    place.backups.create()
    place.state.set("app", "key1", "after")
    compact(place, 10)
    made = place.backups.create("incremental")
    assert made.layer == "changes"
    same_after_restore(place, made.id)


def test_thinned_history_stays_thin(place: Place) -> None:
    state = place.open(place.store, journal=JournalPolicy(keep_versions=3))
    for number in range(40):
        state.set("app", "key", number)
    place.use(state).create()
    for number in range(40):
        state.set("app", "key", -number)
    made = place.use(state).create("incremental")
    assert made.layer == "changes"
    same_after_restore(place, made.id)


def test_a_store_that_is_not_the_parents_is_read_as_a_whole(place: Place) -> None:
    fill(place.state, 20)
    place.backups.create()
    other = place.open(MemoryStore())
    fill(other, 30)
    other.set("a", "b", 1)
    made = place.use(other).create("incremental")
    assert (made.layer, "not the one" in made.warnings[0]) == ("complete", True)
    with MemoryStore() as memory:
        place.backups.restore(made.id, to=memory)
        assert content(memory, exactly=True) == content(other.store, exactly=True)


def test_after_a_restore_incremental_backups_are_exact(place: Place) -> None:
    fill(place.state, 20)
    first = place.backups.create()
    place.state.set("app", "key00001", "second")
    place.backups.create("incremental")
    place.backups.restore(first.id, backup_first=False)
    place.state.set("app", "key00002", "third")
    made = place.backups.create("incremental")
    assert made.layer == "complete"
    same_after_restore(place, made.id)
    place.state.set("app", "key00003", "fourth")
    made = place.backups.create("incremental")
    assert made.layer == "changes"
    same_after_restore(place, made.id)


def test_a_change_behind_the_journal_is_told_by_the_epoch(place: Place) -> None:
    fill(place.state, 20)
    place.backups.create()
    with place.store.write() as txn:
        txn.delete(b"sapp\0key00003")
        txn.put(keys.EPOCH, b"repaired")
    made = place.backups.create("incremental")
    assert (made.layer, "repaired" in made.warnings[0]) == ("complete", True)
    same_after_restore(place, made.id)


def test_too_many_changes_are_read_as_a_whole(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MAX_CHANGES", 10)
    fill(place.state, 20)
    place.backups.create()
    for number in range(11):
        place.state.set("app", f"key{number:05}", 1)
    made = place.backups.create("incremental")
    assert (made.layer, "more than 10" in made.warnings[0]) == ("complete", True)
    same_after_restore(place, made.id)


def test_a_long_chain_is_begun_anew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmspell.backup.create.MAX_CHAIN", 4)
    fill(place.state, 20)
    place.backups.create()
    layers = []
    for number in range(8):
        place.state.set("app", "key", number)
        layers.append(place.backups.create("incremental").layer)
    assert layers == ["changes"] * 3 + ["complete"] + ["changes"] * 3 + ["complete"]
    same_after_restore(place, place.backups.list()[0].id)


def test_a_parent_whose_pack_is_gone_is_not_built_on(place: Place) -> None:
    fill(place.state, 20)
    first, second = place.backups.create(), place.backups.create()
    Path(place.backups.folder.pack_path(second.id)).unlink()
    assert place.backups.create("incremental").parent == first.id


def test_they_can_be_switched_off(place: Place) -> None:
    with pytest.raises(NotEnabled, match="incremental backups are off"):
        place.use(allow_incremental=False).create("incremental")


KEYS = st.sampled_from(["a", "b", "ab", "a b", "z" * 200])
SCOPES = st.sampled_from(["global", "user:1", "user:11", "x"])
STEPS = st.one_of(
    st.tuples(
        st.just("save"),
        SCOPES,
        KEYS,
        st.one_of(st.integers(-(2**63), 2**63 - 1), st.text(max_size=20), st.binary(max_size=3000)),
    ),
    st.tuples(st.just("ttl"), SCOPES, KEYS, st.integers(1, 100)),
    st.tuples(st.just("delete"), SCOPES, KEYS),
    st.tuples(st.just("clear"), SCOPES),
    st.tuples(st.just("wait"), st.floats(0, 20)),
    st.tuples(st.just("compact")),
    st.tuples(st.just("raw"), KEYS, st.binary(min_size=1, max_size=50)),
    st.tuples(st.just("full")),
    st.tuples(st.just("incremental")),
    st.tuples(st.just("restore"), st.integers(0, 30)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    steps=st.lists(STEPS, max_size=40),
    journal=st.sampled_from([None, JournalPolicy(keep_days=15), JournalPolicy(keep_days=15, keep_versions=2)]),
    options=st.sampled_from([{"compression": "zstd"}, {"compression": "gzip"}, {"compression": "none"}, {"secret": "word"}]),
)  # fmt: skip
def test_whatever_happens_every_backup_holds_its_moment(
    steps: list[tuple[Any, ...]],
    journal: JournalPolicy | None,
    options: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    place = _Memory(tmp_path_factory.mktemp("run"), journal, options)
    for name, *arguments in (*steps, ("incremental",)):
        place.actions[name](*arguments)
        assert check(place.store).problems == []
    for backup_id, exact in place.made:
        with MemoryStore() as memory:
            place.backups.restore(backup_id, to=memory)
            assert harmless(content(memory, exactly=True)) == harmless(exact)
        assert place.backups.validate(backup_id).errors == []


class _Memory:
    """A store in memory with its backups, and what may happen to it."""

    def __init__(self, folder: Path, journal: JournalPolicy | None, options: dict[str, Any]) -> None:
        place = Place.__new__(Place)
        place.path, place.clock = folder, Clock()
        self.store = MemoryStore()
        self.clock = place.clock
        self.state = state = place.open(self.store, journal=journal)
        self.backups: Backups = place.use(state, **options)
        self.made: list[tuple[str, dict[bytes, bytes]]] = []
        self.actions: dict[str, Callable[..., object]] = {
            "save": state.set,
            "ttl": lambda scope, key, ttl: state.set(scope, key, ttl, ttl=ttl * DAY / 1e7),
            "delete": state.delete,
            "clear": state.clear,
            "wait": self._wait,
            "compact": lambda: journal and state.compact(),
            "raw": self._put,
            "full": lambda: self._back_up("full"),
            "incremental": lambda: self._back_up("incremental"),
            "restore": self._restore,
        }

    def _wait(self, days: float) -> None:
        self.clock.now += round(days * DAY)

    def _put(self, key: str, value: bytes) -> None:
        with self.store.write() as txn:
            txn.put(b"Q" + key.encode(), value)

    def _back_up(self, kind: str) -> None:
        made = self.backups.create(kind)
        self.made.append((made.id, content(self.store, exactly=True)))

    def _restore(self, which: int) -> None:
        if self.made:
            backup_id, exact = self.made[which % len(self.made)]
            self.backups.restore(backup_id, backup_first=False)
            exact = {key: value for key, value in exact.items() if key != keys.HEAD}
            assert harmless(exact).items() <= harmless(content(self.store, exactly=True)).items()


def harmless(everything: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Without the marks of thinned history that say no more than the journal's own beginning does."""
    floor = int.from_bytes(everything.get(keys.HEAD, bytes(24))[16:24], "little")
    return {
        key: value
        for key, value in everything.items()
        if not (key[:1] == b"h" and key.endswith(bytes(8)) and int.from_bytes(value[:8], "big") <= floor)
    }


def test_harmless_keeps_a_mark_above_the_floor() -> None:
    mark = keys.history_key(b"sa\0k", 0)
    head = seal(keys.HEAD, bytes(16) + (5).to_bytes(8, "little"), b"")
    for version, stays in ((5, False), (6, True)):
        kept = harmless({keys.HEAD: head, mark: version.to_bytes(8, "big")})
        assert (mark in kept) is stays


def test_a_backup_that_only_lends_chunks_need_not_be_whole(place: Place) -> None:
    state = place.open(place.store, journal=None)
    backups = place.use(state)
    made = []
    for space in (b"A", b"B", b"A"):
        with place.store.write() as txn:
            txn.put(space, bytes([len(made)]) * 100)
        state.set("app", "key", len(made))
        made.append(backups.create("incremental" if made else "full"))
    for each in made:
        assert backups.validate(each.id).errors == []
    same_after_restore(place, made[-1].id)


@pytest.mark.parametrize("damage", ["missing", "cut", "manifest"])
def test_a_damaged_base_does_not_keep_backups_from_being_made(place: Place, damage: str) -> None:
    fill(place.state, 10)
    base = place.backups.create()
    place.state.set("app", "key00001", "changed")
    place.backups.create("incremental")
    pack, manifest = (
        Path(path(base.id)) for path in (place.backups.folder.pack_path, place.backups.folder.manifest_path)
    )
    if damage == "missing":
        pack.unlink()
    elif damage == "cut":
        pack.write_bytes(pack.read_bytes()[:-1])
    else:
        manifest.write_bytes(manifest.read_bytes()[:-1])
    place.state.set("app", "key00001", "again")
    made = place.backups.create("incremental")
    assert (made.kind, made.parent) == ("full", None)
    assert "so this one is full" in made.warnings[0]
    same_after_restore(place, made.id)


class Pieces:
    """Pieces as artifacts keep them: each under the version of the commit that wrote it, and never changed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.keys: list[bytes] = []

    def add(self, count: int, size: int) -> None:
        with self.place.state.transaction() as transaction:
            for number in range(count):
                key = keys.PIECES + transaction.version.to_bytes(8, "big") + number.to_bytes(4, "big")
                transaction.main.put(key, seal(key, b"", key * (size // len(key))))
                self.keys.append(key)
            transaction.touch()

    def remove(self, *places: int) -> None:
        with self.place.state.transaction() as transaction:
            for key in [self.keys[each] for each in places]:
                assert transaction.main.delete(key)
                self.keys.remove(key)
            transaction.touch()

    def read_meanwhile(self, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
        """The chunks that are stored from now on, by their first keys."""
        read: list[bytes] = []
        encode = chunk.encode
        monkeypatch.setattr(chunk, "encode", lambda entries: (read.append(entries[0][0]), encode(entries))[1])
        return read


def test_pieces_that_stay_are_not_read_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = Pieces(place)
    pieces.add(300, 20_000)
    place.backups.create()
    read = pieces.read_meanwhile(monkeypatch)
    place.state.set("app", "key", 1)
    made = place.backups.create("incremental")
    assert made.layer == "changes"
    assert not any(key.startswith(keys.PIECES) for key in read)
    pieces.add(1, 20_000)
    made = place.backups.create("incremental")
    assert [key for key in read if key.startswith(keys.PIECES)] == pieces.keys[-1:]
    same_after_restore(place, made.id)


def test_pieces_that_went_are_gone_after_restoring(place: Place) -> None:
    pieces = Pieces(place)
    pieces.add(300, 20_000)
    made = [place.backups.create()]
    contents = [content(place.store, exactly=True)]
    for step in range(6):
        pieces.remove(step * 20, -1 - step, 131)
        if step % 2:
            pieces.add(5, 300_000)
        made.append(place.backups.create("incremental"))
        contents.append(content(place.store, exactly=True))
    pieces.remove(*range(len(pieces.keys) - 1))
    made.append(place.backups.create("incremental"))
    contents.append(content(place.store, exactly=True))
    for each, wanted in zip(made, contents, strict=True):
        assert each.is_complete is (each is made[0])
        assert place.backups.validate(each.id).errors == []
        with MemoryStore() as memory:
            place.backups.restore(each.id, to=memory)
            assert content(memory, exactly=True) == wanted


def test_pieces_of_a_restored_store_are_compared_anew(place: Place) -> None:
    pieces = Pieces(place)
    pieces.add(20, 20_000)
    first = place.backups.create()
    pieces.remove(3)
    place.backups.create("incremental")
    place.backups.restore(first.id)
    made = place.backups.create("incremental")
    assert made.layer == "complete"
    same_after_restore(place, made.id)
