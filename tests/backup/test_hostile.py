"""Folders that somebody else has written: nothing outside is touched, and one sentence says what is wrong."""

import json
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmspell.backup.backups import Backups
from llmspell.backup.manifest import MAGIC
from llmspell.backup.seal import checksum
from llmspell.errors import BackupError, Corrupt, EncryptionError, LlmspellError, NotFound, StorageFull
from tests.backup.conftest import Place, content, write_later_format


def forge(place: Place, backup_id: str, change: Callable[[dict[str, Any]], object], index: bytes | None = None) -> None:
    """Write a manifest with a changed header, and checksums that fit."""
    path = Path(place.backups.folder.manifest_path(backup_id))
    data = path.read_bytes()[len(MAGIC) : -32]
    length = int.from_bytes(data[:4], "little")
    header = json.loads(data[4 : 4 + length])
    change(header)
    text = json.dumps(header).encode()
    rest = data[4 + length :] if index is None else len(index).to_bytes(4, "little") + index
    body = MAGIC + len(text).to_bytes(4, "little") + text + rest
    path.write_bytes(body + checksum(body))


FORGERIES: dict[str, dict[str, Any]] = {
    "path as id": {"id": "../../etc/passwd"},
    "path as parent": {"kind": "incremental", "layer": "changes", "parent": "../x"},
    "path as source": {"sources": ["../../x"]},
    "itself as parent": {"kind": "incremental", "layer": "changes", "parent": "SELF"},
    "itself as source": {"sources": ["SELF"]},
    "huge number": {"pack_bytes": 10**30},
    "negative number": {"entries": -1},
    "float": {"size": 1.5},
    "boolean as number": {"values": True},
    "text as number": {"version": "1"},
    "list as text": {"description": ["x"]},
    "no such compression": {"compression": "lzma"},
    "no such cipher": {"encryption": {"cipher": "ROT13", "derivation": {}, "check": ""}},
    "no such layer": {"layer": "half"},
    "changes without a parent": {"layer": "changes"},
    "scope of control characters": {"scopes": ["a\u0000b"]},
    "a year of derivation": {
        "encryption": {
            "cipher": "AES-256-GCM",
            "derivation": {"name": "scrypt", "salt": "00" * 16, "n": 2**60, "r": 8, "p": 1},
            "check": "00" * 16,
        }
    },
    "an unknown field": {"surprise": 1},
    "wrong counts": {"entries": 5, "values": 5},
    "a wrong end": {"pack_bytes": 60},
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_manifest_is_refused_in_one_sentence(place: Place, forged: dict[str, Any]) -> None:
    place.state.set("a", "key", 1)
    made = place.backups.create()

    def change(header: dict[str, Any]) -> None:
        for name, value in forged.items():
            header[name] = json.loads(json.dumps(value).replace("SELF", made.id))

    forge(place, made.id, change)
    exact, outside = content(place.store, exactly=True), sorted(place.folder.iterdir())
    with pytest.raises(Corrupt) as caught:
        place.backups.restore(made.id)
    assert "\n" not in caught.value.message
    assert not place.backups.validate(made.id).is_valid
    place.backups.list()
    place.backups.cleanup()
    assert content(place.store, exactly=True) == exact
    assert sorted(place.folder.iterdir()) == outside


@pytest.mark.parametrize("index", [b"\0", b"\xff" * 97, b"\0" * 200, os.urandom(500)])
def test_a_forged_index_is_refused(place: Place, index: bytes) -> None:
    place.state.set("a", "key", 1)
    made = place.backups.create()
    forge(place, made.id, lambda header: None, index)
    assert not place.backups.validate(made.id).is_valid
    with pytest.raises(Corrupt):
        place.backups.restore(made.id)


@pytest.mark.parametrize("header", [b"", b"[]", b"null", b"{" * 5000, b"\xff\xfe", b'{"id": NaN}'])
def test_a_header_that_is_none_is_refused(place: Place, header: bytes) -> None:
    made = place.backups.create()
    body = MAGIC + len(header).to_bytes(4, "little") + header + bytes(4)
    Path(place.backups.folder.manifest_path(made.id)).write_bytes(body + checksum(body))
    with pytest.raises(Corrupt):
        place.backups.info(made.id)
    assert place.backups.list() == []


@pytest.mark.parametrize(
    "backup_id", ["", "nope", "../store/data", "0" * 36, "00000000-0000-7000-8000-000000000000", "a\0b"]
)
def test_an_unknown_id_is_not_found(place: Place, backup_id: str) -> None:
    place.backups.create()
    for action in (place.backups.info, place.backups.validate, place.backups.restore):
        with pytest.raises(NotFound) as caught:
            action(backup_id)
        assert caught.value.exit_status == 10


def test_other_files_in_the_folder_are_left_alone(place: Place) -> None:
    place.path.mkdir()
    names = ["notes.txt", "x.pack", "x.manifest", ".manifest", "../nothing.pack"[3:]]
    for name in names:
        (place.path / name).write_text("mine")
    place.backups.create()
    place.backups.cleanup()
    assert len(place.backups.list()) == 1
    assert all((place.path / name).read_text() == "mine" for name in names)


def test_a_backup_is_readable_by_its_owner_alone(place: Place) -> None:
    place.backups.create()
    assert {file.stat().st_mode & 0o077 for file in place.path.iterdir()} == {0}


def test_the_key_must_be_the_one_it_was_made_with(place: Place) -> None:
    place.state.set("a", "key", "marker-in-clear")
    made = place.use(secret="right").create(description="told")
    assert not any(b"marker-in-clear" in data for data in place.files().values())
    assert place.use(secret="right").validate(made.id).is_valid
    assert place.use(secret="wrong").list()[0].description == "told"
    for other in (place.use(secret="wrong"), place.use(secret="base64:" + "A" * 43 + "="), place.use()):
        for action in (other.validate, other.restore):
            with pytest.raises(EncryptionError) as caught:
                action(made.id)
            assert caught.value.exit_status == 12


@pytest.mark.parametrize("derivation", ["PBKDF2", "scrypt", "argon2id", "raw"])
def test_every_key_derivation_opens_what_it_closed(place: Place, derivation: str) -> None:
    secret = "base64:" + "A" * 43 + "=" if derivation == "raw" else "some words"
    options = {"key_derivation": "PBKDF2" if derivation == "raw" else derivation, "iterations": 1000}
    place.state.set("a", "key", 1)

    def use() -> Any:
        from llmspell.backup.secret import Secret

        found = Secret(secret)
        return place.use(encrypt=True, ask_secret=lambda: found, **options)

    first = use().create()
    place.state.set("a", "key", 2)
    second = use().create("incremental")
    assert (second.layer, second.encryption.derivation) == ("changes", first.encryption.derivation)
    place.state.set("a", "key", 3)
    use().restore(second.id, backup_first=False)
    assert place.state.get("a", "key") == 2
    name = first.encryption.derivation["name"]
    assert name == ("none" if derivation == "raw" else derivation)


def test_with_another_key_an_incremental_backup_begins_anew(place: Place) -> None:
    place.use(secret="old").create()
    made = place.use(secret="new").create("incremental")
    assert (made.kind, "same key" in made.warnings[0]) == ("full", True)
    assert place.use().create("incremental").kind == "full"


def test_a_header_moved_to_other_contents_is_found(place: Place) -> None:
    backups = place.use(secret="word")
    place.state.set("a", "key", 1)
    made = backups.create()
    forge(place, made.id, lambda header: header.update(description="another"))
    found = backups.validate(made.id)
    assert (found.is_valid, "index was changed" in found.errors[0]) == (False, True)


def test_a_folder_that_cannot_be_written_to_is_named(place: Place) -> None:
    made = place.backups.create()
    place.path.chmod(0o500)
    backups = place.backups
    if os.geteuid() == 0:  # who may write everywhere, but for here
        backups = Backups(place.state, "/dev/null/backups")
    try:
        with pytest.raises(BackupError, match="cannot use") as caught:
            backups.create()
        assert backups.folder.path in caught.value.message
        assert place.backups.validate(made.id).is_valid
    finally:
        place.path.chmod(0o700)


def test_a_file_in_place_of_the_folder_is_named(place: Place) -> None:
    place.path.write_text("a file")
    with pytest.raises(LlmspellError) as caught:
        place.backups.create()
    assert (caught.value.exit_status, str(place.path) in caught.value.message) == (4, True)


def test_a_full_disk_loses_nothing(place: Place) -> None:
    place.state.set("a", "key", 1)
    made = place.backups.create()
    files = place.files()
    with place.state.transaction():
        for number in range(200):
            place.state.set("a", f"key{number}", os.urandom(5000))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
        with pytest.raises(StorageFull, match="no room for the backup"):
            place.backups.create()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert place.files() == files
    assert place.backups.validate(made.id).is_valid
    assert place.backups.create().sequence == made.sequence + 1


def test_a_backup_of_a_later_format_is_not_called_damaged(place: Place) -> None:
    place.state.set("a", "key", 1)
    made = place.backups.create()
    write_later_format(Path(place.backups.folder.manifest_path(made.id)))
    files = place.files()
    for action in (place.backups.info, place.backups.validate, place.backups.restore):
        with pytest.raises(BackupError, match="a later version of llmspell wrote") as caught:
            action(made.id)
        assert caught.value.hint == "upgrade llmspell"
    with pytest.raises(BackupError, match="later version"):
        place.backups.restore(made.id, salvage=True)
    assert place.files() == files
