"""Damage: every changed byte is found, named by what it affects, never restored, and salvaged around."""

import random
from pathlib import Path

import pytest

from llmspell.backup.backups import Backups
from llmspell.backup.manifest import Manifest
from llmspell.errors import Corrupt, LlmspellError
from llmspell.storage.memory import MemoryStore
from tests.backup.conftest import Place, content, values

DEFAULT, CRASH = 300, 10_000


def make_chain(place: Place, **options: object) -> tuple[Backups, list[Manifest]]:
    """A full backup of several chunks and two incremental ones on top."""
    backups = place.use(**options)
    rng = random.Random(1)
    with place.state.transaction():
        for number in range(400):
            place.state.set("app", f"key{number:05}", rng.randbytes(6000))
    made = [backups.create()]
    for step in range(2):
        place.state.set("app", "key00001", step)
        place.state.set("new", f"key{step}", rng.randbytes(3000))
        made.append(backups.create("incremental"))
    assert [each.layer for each in made] == ["complete", "changes", "changes"]
    return backups, made


def find_all(place: Place, backups: Backups, backup_id: str, count: int) -> None:
    """Change one bit, or cut off the end, of one file after the other; each must be found, and the undamaged be sound."""
    rng = random.Random(count)
    files = [file for file in place.path.iterdir() if file.name != ".lock"]
    for _ in range(count):
        # Manifests and incremental packs are small: files are chosen evenly, not by their size.
        file = rng.choice(files)
        data = file.read_bytes()
        if rng.random() < 0.2:
            place_ = rng.randrange(len(data))
            file.write_bytes(data[:place_] if rng.random() < 0.8 else data + rng.randbytes(1 + place_ % 9))
        else:
            place_ = rng.randrange(len(data))
            with file.open("r+b") as opened:
                opened.seek(place_)
                opened.write(bytes([data[place_] ^ 1 << rng.randrange(8)]))
        found = backups.validate(backup_id)
        assert not found.is_valid, f"{file.name} at {place_}"
        assert found.errors
        file.write_bytes(data)
    assert backups.validate(backup_id).is_valid


@pytest.mark.parametrize("options", [{"compression": "zstd"}, {"secret": "word", "compression": "gzip"}], ids=str)
def test_every_flipped_bit_and_every_cut_is_found(place: Place, options: dict[str, object]) -> None:
    backups, made = make_chain(place, **options)
    find_all(place, backups, made[-1].id, DEFAULT // 2)


@pytest.mark.crash
@pytest.mark.parametrize("options", [{"compression": "zstd"}, {"secret": "word"}], ids=str)
def test_every_flipped_bit_and_every_cut_of_very_many_is_found(place: Place, options: dict[str, object]) -> None:
    backups, made = make_chain(place, **options)
    find_all(place, backups, made[-1].id, CRASH // 2)


def flip(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))


def test_a_restore_of_a_damaged_chain_changes_nothing(place: Place) -> None:
    backups, made = make_chain(place)
    flip(Path(backups.folder.pack_path(made[0].id)), made[0].pack_bytes // 2)
    place.state.set("later", "key", 1)
    exact = content(place.store, exactly=True)
    for options in ({}, {"verify": False}, {"scope": "app"}, {"scope": "app", "verify": False}):
        with pytest.raises(Corrupt) as caught:
            backups.restore(made[2].id, backup_first=False, **options)  # type: ignore[arg-type]
        assert "'key00" in caught.value.message
        assert "in scope 'app'" in caught.value.message
        assert "--salvage" in caught.value.hint
        assert content(place.store, exactly=True) == exact


def test_validate_names_the_entries_and_says_whose_fault_it_is(place: Place) -> None:
    backups, made = make_chain(place)
    flip(Path(backups.folder.pack_path(made[0].id)), made[0].pack_bytes // 2)
    own, chain = backups.validate(made[0].id), backups.validate(made[2].id)
    assert (own.checksum_valid, own.chain_valid) == (False, True)
    assert (chain.checksum_valid, chain.chain_valid) == (False, False)
    assert own.errors == chain.errors
    (loss,) = own.losses
    assert str(loss) == own.errors[0]
    assert f"{loss.entries} entries of the backup {made[0].id} affected, 'key0" in own.errors[0]


def test_salvage_restores_the_rest_and_lists_what_is_lost(place: Place) -> None:
    backups, made = make_chain(place)
    before = values(place.state)
    flip(Path(backups.folder.pack_path(made[0].id)), made[0].pack_bytes // 2)
    (loss,) = backups.validate(made[2].id).losses
    lost = {("app", key) for key in place.state.list_keys("app") if loss.first <= b"sapp\0" + key.encode() <= loss.last}
    lost.discard(("app", "key00001"))  # saved again since, so it lies in a sound chunk
    assert 0 < len(lost) < 399
    place.state.set("app", "key00001", "later")
    place.state.set("later", "key", 1)
    for key in lost:
        place.state.set(*key, "present")
    done = backups.restore(made[2].id, salvage=True, backup_first=False)
    assert [str(each) for each in done.losses] == [str(loss)]
    after = values(place.state)
    assert {key: value for key, value in after.items() if key not in lost} == {
        key: value for key, value in before.items() if key not in lost
    }
    assert {after[key] for key in lost} == {"present"}
    assert "repaired" in backups.create("incremental").warnings[0]
    with MemoryStore() as memory:
        assert backups.restore(made[2].id, salvage=True, to=memory).losses
        assert values(place.open(memory)) == {key: value for key, value in before.items() if key not in lost}


def test_salvage_reads_a_damaged_manifest_from_its_copy(place: Place) -> None:
    backups, made = make_chain(place)
    before = values(place.state)
    flip(Path(backups.folder.manifest_path(made[0].id)), 100)
    assert [each.id for each in backups.list()] == [made[2].id, made[1].id]
    assert made[0].id in backups.damaged()[0].message
    with pytest.raises(Corrupt):
        backups.restore(made[2].id)
    with MemoryStore() as memory:
        assert backups.restore(made[2].id, salvage=True, to=memory).losses == []
        assert values(place.open(memory)) == before


def test_salvage_of_a_cut_pack_restores_what_is_left(place: Place) -> None:
    backups, made = make_chain(place)
    pack = Path(backups.folder.pack_path(made[0].id))
    with pack.open("r+b") as file:
        file.truncate(made[0].pack_bytes // 2)
    with MemoryStore() as memory:
        done = backups.restore(made[2].id, salvage=True, to=memory)
        assert len(done.losses) >= 1
        assert 0 < len(values(place.open(memory))) < 402
    pack.unlink()
    with pytest.raises(Corrupt, match="is missing"):
        backups.restore(made[2].id)
    found = backups.validate(made[2].id)
    assert (found.chain_valid, "missing" in found.errors[0]) == (False, True)


def test_a_missing_parent_is_named(place: Place) -> None:
    backups, made = make_chain(place)
    Path(backups.folder.manifest_path(made[1].id)).unlink()
    found = backups.validate(made[2].id)
    assert (found.is_valid, found.chain_valid) == (False, False)
    assert f"the backup {made[1].id} is missing, on which {made[2].id} builds" in found.errors[0]
    with pytest.raises(Corrupt, match="is missing"):
        backups.restore(made[2].id)


def test_a_damaged_newest_backup_leaves_the_older_ones_restorable(place: Place) -> None:
    backups, made = make_chain(place)
    flip(Path(backups.folder.pack_path(made[2].id)), 60)
    with pytest.raises(LlmspellError):
        backups.restore(made[2].id)
    backups.restore(made[1].id)
    assert place.state.get("app", "key00001") == 0
