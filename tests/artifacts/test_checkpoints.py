"""Artifacts through checkpoints, forks, deletions, exports and backups of their sessions."""

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell import values
from llmspell.artifacts import layout
from llmspell.artifacts.artifact import Artifact
from llmspell.artifacts.layout import PIECE_BYTES
from llmspell.artifacts.transfer import ARTIFACT, CONTENT
from llmspell.backup.backups import Backups
from llmspell.errors import Corrupt, LlmspellError, NotFound
from llmspell.sessions.layout import id_bytes
from llmspell.sessions.transfer import export, import_
from llmspell.storage.lmdb import LmdbStore
from llmspell.storage.memory import MemoryStore
from tests.artifacts.conftest import Place, problems


def contents(place: Place, session_id: str = "") -> dict[str, Any]:
    """Every artifact of a session, by the end of its id, with its name, version and content."""
    found = place.artifacts.list(session_id or place.id)
    return {each.id[36:]: (each.name, each.version, place.artifacts.read(None, each)) for each in found}


def test_a_checkpoint_brings_back_what_was_deleted_and_takes_away_what_came_later(place: Place) -> None:
    data = os.urandom(2 * PIECE_BYTES)
    kept = place.artifacts.store(place.id, "t", "kept", "always")
    gone = place.artifacts.store(place.id, "t", "gone", data, tags=["x"])
    before = contents(place)
    place.sessions.save(place.id, label="one")
    place.artifacts.delete(place.id, gone)
    later = place.artifacts.store(place.id, "t", "gone", "later")
    assert place.artifacts.collect().pieces == 0
    with pytest.raises(NotFound):
        place.artifacts.info(place.id, gone)
    place.sessions.load(place.id, checkpoint="one")
    assert contents(place) == before
    assert place.count() == (2, 6 + len(data))
    assert [each.id for each in place.artifacts.query(tags=["x"])] == [gone.id]
    assert place.artifacts.read(place.id, "gone") == data
    # Numbers go on: what was taken back has had them.
    again = place.artifacts.store(place.id, "t", "gone", "again")
    assert (again.sequence, again.version) == (later.sequence + 1, later.version + 1)
    assert place.artifacts.collect().pieces == 1  # "later"
    place.artifacts.delete(place.id, kept)
    place.sessions.load(place.id, checkpoint="one")
    assert contents(place) == before


def test_what_was_deleted_goes_with_the_last_checkpoint_that_has_it(place: Place) -> None:
    made = place.artifacts.store(place.id, "t", "n", "content")
    first = place.sessions.save(place.id)
    second = place.sessions.save(place.id)
    place.artifacts.delete(place.id, made)
    third = place.sessions.save(place.id)
    for checkpoint, pieces in ((third, 0), (first, 0), (second, 1)):
        place.sessions.delete_checkpoint(place.id, checkpoint.id)
        assert place.artifacts.collect().pieces == pieces
    with place.store.read() as txn:
        assert list(txn.scan_keys(layout.DELETED, layout.DELETED_END)) == []


def test_an_artifact_may_come_and_go_many_times(place: Place) -> None:
    made = place.artifacts.store(place.id, "t", "n", "content")
    place.sessions.save(place.id, label="with")
    place.artifacts.delete(place.id, made)
    place.sessions.save(place.id, label="without")
    for _ in range(3):
        place.sessions.load(place.id, checkpoint="with")
        assert place.names() == [("n", 1)]
        place.sessions.load(place.id, checkpoint="without")
        assert place.names() == []
    assert place.artifacts.collect().pieces == 0


def test_grants_are_not_part_of_a_checkpoint(place: Place) -> None:
    other, third = place.sessions.create(), place.sessions.create()
    made = place.artifacts.store(place.id, "t", "n", "content")
    place.artifacts.grant(place.id, made, other, "read")
    place.artifacts.grant(place.id, made, third, "read")
    place.sessions.save(place.id, label="granted")
    place.artifacts.revoke(place.id, made, other)
    place.sessions.load(place.id, checkpoint="granted")
    assert place.artifacts.info(place.id, made).grants == {third: "read"}
    place.artifacts.delete(place.id, made)
    place.sessions.delete(third, force=True)
    place.sessions.load(place.id, checkpoint="granted")
    assert place.artifacts.info(place.id, made).grants == {}


def test_a_fork_shares_the_bytes_and_lives_on_its_own(place: Place) -> None:
    parent = place.artifacts.store(place.id, "t", "n", "first")
    place.artifacts.store(place.id, "t", "child", "second", parent_artifact=parent.id)
    other = place.sessions.create()
    place.artifacts.grant(place.id, parent, other, "read")
    place.sessions.save(place.id, label="c")
    place.artifacts.delete(place.id, parent)
    before = contents(place)
    fork = place.sessions.fork(place.id, checkpoint="c")
    assert [name for name, _, _ in contents(place, fork).values()] == ["n", "child"]
    assert contents(place) == before
    copy = place.artifacts.info(fork, "n")
    assert (copy.sequence, copy.grants, copy.created_at) == (parent.sequence, {}, parent.created_at)
    assert place.artifacts.info(fork, "child").parent_artifact == copy.id
    assert place.sessions.get(fork).artifact_count == 2
    assert place.artifacts.stats(fork).shared_bytes == 11
    now = place.sessions.fork(place.id)
    assert [name for name, _, _ in contents(place, now).values()] == ["child"]
    place.sessions.delete(place.id, force=True)
    place.artifacts.collect()
    assert place.artifacts.read(fork, "n") == "first"
    assert place.artifacts.store(fork, "t", "n", "more").version == 2


STEPS = st.lists(
    st.tuples(st.sampled_from(["store", "delete", "save", "load", "drop", "fork", "collect"]), st.integers(0, 7)),
    max_size=40,
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_checkpoints_are_what_was_there(steps: list[tuple[str, int]]) -> None:
    """Random steps beside a model: what was there at each checkpoint is there again after going back to it."""
    place = Place(MemoryStore())
    checkpoints: dict[str, dict[str, Any]] = {}
    for step, number in steps:
        if step == "store":
            place.artifacts.store(
                place.id, "t", f"name{number % 2}", b"\xff" * (number * PIECE_BYTES // 5 + 1), tags=["x"]
            )
        elif step == "delete" and (owned := place.artifacts.list(place.id)):
            place.artifacts.delete(place.id, owned[number % len(owned)])
        elif step == "save":
            checkpoints[place.sessions.save(place.id).id] = contents(place)
        elif step == "load" and checkpoints:
            wanted = sorted(checkpoints)[number % len(checkpoints)]
            place.sessions.load(place.id, checkpoint=wanted)
            assert contents(place) == checkpoints[wanted]
        elif step == "drop" and checkpoints:
            gone = sorted(checkpoints)[number % len(checkpoints)]
            place.sessions.delete_checkpoint(place.id, gone)
            del checkpoints[gone]
        elif step == "fork" and checkpoints:
            wanted = sorted(checkpoints)[number % len(checkpoints)]
            fork = place.sessions.fork(place.id, checkpoint=wanted)
            assert contents(place, fork) == checkpoints[wanted]
            place.sessions.delete(fork, force=True)
        elif step == "collect":
            place.artifacts.collect()
        assert problems(place.store) == []
        assert place.count() == place.artifacts.sessions.attachments[0].totals(place.store.read().__enter__(), place.id)
    for wanted, expected in checkpoints.items():
        place.sessions.load(place.id, checkpoint=wanted)
        assert contents(place) == expected


def test_export_and_import_carry_artifacts_and_their_checkpoints(place: Place, tmp_path: Path) -> None:
    large = os.urandom(3 * PIECE_BYTES)
    first = place.artifacts.store(place.id, "t", "n", large, tags=["a"], custom={"k": [1, None]}, description="D")
    place.artifacts.store(place.id, "t", "n", "second", parent_artifact=first.id)
    before = contents(place)
    place.sessions.save(place.id, label="both")
    place.artifacts.delete(place.id, first)
    now = contents(place)
    path = str(tmp_path / "session")
    export(place.sessions, place.id, path)
    target = Place(MemoryStore())
    imported = import_(target.sessions, path)
    assert imported == place.id
    assert contents(target, imported) == now
    assert target.sessions.get(imported).artifact_count == 1
    assert problems(target.store) == []
    target.sessions.load(imported, checkpoint="both")
    assert contents(target, imported) == before
    found = target.artifacts.info(imported, first.id)
    assert (found.tags, found.custom, found.description, found.created_at) == (
        ["a"],
        {"k": [1, None]},
        "D",
        first.created_at,
    )
    copy = import_(target.sessions, path, as_new=True)
    assert [value for _, value in sorted(contents(target, copy).items())] == [value for _, value in sorted(now.items())]
    target.sessions.load(copy, checkpoint="both")
    assert target.artifacts.info(copy, "n").parent_artifact == f"{copy}/1/{first.content_hash[:8]}"
    assert target.artifacts.store(copy, "t", "n", "third").sequence == 3
    assert problems(target.store) == []


WRONG: list[tuple[str, Any]] = [
    ("sequence", 0), ("sequence", "1"), ("hash", b"x" * 32), ("hash", "text"), ("places", []), ("places", [5]),
    ("places", [0, 0]), ("places", [-1]), ("places", ["0"]), ("name", ""), ("name", 7), ("version", 0), ("tags", "a"),
    ("custom", []), ("form", 9), ("created_at", -1), ("type", None), ("description", b""), ("extra", 1), ("parent_artifact", 1),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_hostile_export_changes_nothing(field: str, value: object) -> None:
    place = Place(MemoryStore())
    place.artifacts.store(place.id, "t", "n", "content")
    attached = place.sessions.attachments[0]
    with place.store.read() as txn:
        pairs = list(attached.exported(txn, place.id, []))
    fields = values.decode(pairs[-1][1])
    broken = [*pairs[:-1], (ARTIFACT, values.encode(fields | {field: value}))]
    refuses(place, broken)


@pytest.mark.parametrize("damage", ["content", "order", "kind", "twice", "unpacked", "duplicate"])
def test_a_file_that_does_not_fit_together_changes_nothing(damage: str) -> None:
    place = Place(MemoryStore())
    place.artifacts.store(place.id, "t", "n", "content")
    with place.store.read() as txn:
        content, known = place.sessions.attachments[0].exported(txn, place.id, [])
    pairs = {
        "content": [(content[0], b"other"), known],
        "order": [known, content],
        "kind": [(b"z", b""), known],
        "twice": [content, (CONTENT + b"y" * 32, b""), content, known],
        "unpacked": [content, (ARTIFACT, b"\xc1\xff\xff")],
        "duplicate": [content, known, known],
    }[damage]
    refuses(place, pairs)


def refuses(place: Place, pairs: list[tuple[bytes, bytes]]) -> None:
    new = place.sessions.create()
    with pytest.raises(Corrupt), place.state.transaction() as transaction:
        place.sessions.attachments[0].imported(transaction, new, [], iter(pairs))
    assert place.artifacts.list(new) == []
    assert place.artifacts.collect(dry_run=True).pieces == 0
    assert problems(place.store) == []


def test_artifacts_survive_backups(tmp_path: Path) -> None:
    place = Place(LmdbStore(tmp_path / "store", sync=False))
    backups = Backups(place.state, str(tmp_path / "backups"))
    made = {}
    for number in range(3):
        place.artifacts.store(place.id, "t", f"n{number}", os.urandom(3 * PIECE_BYTES + number))
        made[backups.create("incremental" if number else "full").id] = contents(place)
    place.artifacts.delete(place.id, "n0")
    assert place.artifacts.collect().pieces == 3
    made[backups.create("incremental").id] = contents(place)
    for backup_id, expected in made.items():
        with MemoryStore() as memory:
            backups.restore(backup_id, to=memory)
            assert problems(memory) == []
            again = Place.__new__(Place)
            Place.__init__(again, memory)
            assert contents(again, place.id) == expected
    backups.restore(next(iter(made)))
    assert problems(place.store) == []
    assert contents(place) == made[next(iter(made))]
    place.store.close()


def test_an_incremental_backup_does_not_read_contents_again(tmp_path: Path) -> None:
    place = Place(LmdbStore(tmp_path / "store", sync=False))
    backups = Backups(place.state, str(tmp_path / "backups"), compression="none")
    for number in range(10):
        place.artifacts.store(place.id, "t", f"n{number}", os.urandom(1 << 20))
    full = backups.create()
    place.state.set("app", "k", 1)
    small = backups.create("incremental")
    assert (small.layer, full.total_bytes > 10 << 20, small.total_bytes < 50_000) == ("changes", True, True)
    place.store.close()


def test_hostile_metadata_in_the_store_is_corrupt(place: Place) -> None:
    made = place.artifacts.store(place.id, "t", "n", "x")
    key = layout.artifact_key(id_bytes(place.id), 1)
    with place.store.write() as txn:
        before = txn.get(key)
        assert before is not None
        layout.write(txn, key, [1, 2, 3])
    with pytest.raises(LlmspellError):
        place.artifacts.info(place.id, made)
    with place.store.write() as txn:
        txn.put(key, before)
    assert isinstance(place.artifacts.info(place.id, made), Artifact)
