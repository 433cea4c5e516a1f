"""Artifacts: what is stored comes back, under its id and its name, within its limits."""

import os
from pathlib import Path

import pytest

from llmspell.artifacts import artifact as artifact_
from llmspell.artifacts.layout import PIECE_BYTES
from llmspell.artifacts.upload import BATCH_PIECES
from llmspell.errors import (
    AccessDenied,
    BadArgument,
    BadValue,
    InvalidTransition,
    LimitExceeded,
    NotFound,
    ValueTooLarge,
)
from llmspell.storage.memory import MemoryStore
from tests.artifacts.conftest import Place, problems

SIZES = [
    0,
    1,
    1024,
    PIECE_BYTES - 1,
    PIECE_BYTES,
    PIECE_BYTES + 1,
    3 * PIECE_BYTES,
    (BATCH_PIECES + 1) * PIECE_BYTES + 7,
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["random", "text"])
def test_contents_of_every_size_come_back(place: Place, size: int, kind: str) -> None:
    data = os.urandom(size) if kind == "random" else (b"the same line again\n" * (size // 20 + 1))[:size]
    stored = place.artifacts.store(place.id, "log", "content", data)
    streamed = place.artifacts.store_stream(place.id, "log", "content", iter([data[:7], b"", data[7:]]))
    assert stored.hash == streamed.hash
    assert streamed.shared == size
    assert place.artifacts.read(place.id, stored.id) == data
    with place.artifacts.stream(place.id, streamed) as (_, pieces):
        assert b"".join(pieces) == data
    assert stored.is_compressed == (kind == "text" and size >= 10240)
    assert place.count() == (2, 2 * size)
    assert place.artifacts.stats(place.id).fields() == [2, 2, 2 * size, 2 * stored.stored_size, stored.shared + size]


def test_text_comes_back_as_text_and_bytes_as_bytes(place: Place) -> None:
    store, read = place.artifacts.store, place.artifacts.read
    assert read(place.id, store(place.id, "t", "a", "grün").id) == "grün"
    assert read(place.id, store(place.id, "t", "b", b"plain").id) == b"plain"
    assert read(place.id, place.artifacts.store_stream(place.id, "t", "c", [b"plain"]).id) == "plain"
    assert read(place.id, place.artifacts.store_stream(place.id, "t", "d", [b"\xff"]).id) == b"\xff"


def test_what_is_known_about_an_artifact(place: Place) -> None:
    made = place.artifacts.store(
        place.id, "agent_output", "notes.md", "# Notes", mime_type="text/markdown", tags=["a", "b", "a"],
        description="What was said", custom={"score": 3, "deep": {"x": [1, 2]}},
    )  # fmt: skip
    found = place.artifacts.info(place.id, "notes.md")
    assert (found.id, found.sequence, found.version) == (f"{place.id}/1/{made.content_hash[:8]}", 1, 1)
    assert (found.tags, found.custom) == (["a", "b"], {"score": 3, "deep": {"x": [1, 2]}})
    assert (found.mime_type, found.description, found.created_by) == ("text/markdown", "What was said", "ann")
    assert place.artifacts.info("", made.id).mime_type == "text/markdown"
    child = place.artifacts.store(place.id, "t", "child", "x", parent_artifact=made.id)
    assert place.artifacts.info(None, child).parent_artifact == made.id


def test_a_name_means_its_latest_version(place: Place) -> None:
    made = [place.artifacts.store(place.id, "t", "draft", f"version {number}") for number in range(1, 4)]
    assert [each.version for each in made] == [1, 2, 3]
    assert place.artifacts.read(place.id, "draft") == "version 3"
    place.artifacts.delete(place.id, "draft")
    assert place.artifacts.read(place.id, "draft") == "version 2"
    place.artifacts.delete(place.id, made[0])
    assert [each.version for each in place.artifacts.versions(place.id, "draft")] == [2]
    # Numbers do not come again, neither of versions nor of sequences.
    again = place.artifacts.store(place.id, "t", "draft", "version 4")
    assert (again.version, again.sequence) == (4, 4)
    for each in place.artifacts.list(place.id):
        place.artifacts.delete(place.id, each)
    assert place.artifacts.store(place.id, "t", "draft", "version 5").version == 5
    assert place.count() == (1, 9)


def test_ids_that_name_nothing(place: Place) -> None:
    made = place.artifacts.store(place.id, "t", "name", "x")
    for wrong in (
        "other", "", made.id[:-8] + "00000000", made.id.replace("/1/", "/2/"), made.id.replace("/1/", f"/{'9' * 40}/"),
        "a/b/c", f"{place.id}/1", "0" * 36 + "/1/" + made.content_hash[:8],
    ):  # fmt: skip
        with pytest.raises(NotFound):
            place.artifacts.info(place.id, wrong)
    with pytest.raises(NotFound, match="no session"):
        place.artifacts.store("nope", "t", "name", "x")
    with pytest.raises(NotFound, match="no current session"):
        place.artifacts.store("", "t", "name", "x")
    with pytest.raises(NotFound, match="no session"):
        place.artifacts.list("nope")


def test_the_current_session_is_the_default(place: Place) -> None:
    place.sessions.set_current(place.id)
    place.artifacts.store("", "t", "one", "1")
    place.artifacts.store(None, "t", "two", "2")
    assert place.names() == [("one", 1), ("two", 1)]
    assert place.artifacts.read("", "one") == "1"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"name": ""}, BadArgument),
        ({"name": "ü" * 128}, BadArgument),
        ({"name": "a\nb"}, BadArgument),
        ({"name": "\ud800"}, BadArgument),
        ({"type": ""}, BadArgument),
        ({"tags": [""]}, BadArgument),
        ({"tags": "text"}, BadArgument),
        ({"tags": [{}]}, BadArgument),
        ({"tags": ["x"] * 3 + ["y" * 256]}, BadArgument),
        ({"tags": [f"t{number}" for number in range(101)]}, BadArgument),
        ({"custom": {"x": "y" * 300_000}}, BadArgument),
        ({"custom": {"x": float("nan")}}, BadValue),
        ({"parent_artifact": "p" * 256}, BadArgument),
    ],
)
def test_wrong_metadata_stores_nothing(place: Place, fields: dict[str, object], error: type[Exception]) -> None:
    arguments = {"type": "t", "name": "n", "data": "x"} | fields
    with pytest.raises(error):
        place.artifacts.store(place.id, **arguments)  # type: ignore[arg-type]
    assert place.count() == (0, 0)
    assert place.kinds() == ["session.created"]


def test_a_name_may_have_255_bytes(place: Place) -> None:
    name = "ü" * 127 + "x"
    place.artifacts.store(place.id, "t", name, "content")
    assert place.artifacts.read(place.id, name) == "content"


def test_what_is_too_large_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from llmspell.artifacts import artifacts, file

    monkeypatch.setattr(artifacts, "MAX_MEMORY_BYTES", 1000)
    monkeypatch.setattr(artifacts, "MAX_FILE_BYTES", 2000)
    monkeypatch.setattr(file, "MAX_FILE_BYTES", 2000)
    with pytest.raises(ValueTooLarge):
        place.artifacts.store(place.id, "t", "n", b"x" * 1001)
    with pytest.raises(ValueTooLarge):
        place.artifacts.store_stream(place.id, "t", "n", [b"x" * 1000] * 3)
    path = tmp_path / "file"
    path.write_bytes(b"x" * 2001)
    with pytest.raises(ValueTooLarge):
        place.artifacts.store_file(place.id, str(path), "t")
    kept = place.artifacts.store_stream(place.id, "t", "n", [b"x" * 1001])
    with pytest.raises(ValueTooLarge, match="too much for memory"):
        place.artifacts.read(place.id, kept)
    assert (
        place.artifacts.collect().pieces == 0
    )  # what broke off has been given back and was shared, or is the artifact's


def test_policies_hold() -> None:
    place = Place(MemoryStore(), max_artifacts=2, max_artifact_bytes=100)
    place.artifacts.store(place.id, "t", "a", "x" * 90)
    with pytest.raises(LimitExceeded, match="100 bytes"):
        place.artifacts.store(place.id, "t", "b", "x" * 11)
    place.artifacts.store(place.id, "t", "b", "x" * 10)
    with pytest.raises(LimitExceeded, match="2 artifacts"):
        place.artifacts.store(place.id, "t", "c", "")
    place.artifacts.delete(place.id, "a")
    place.artifacts.store(place.id, "t", "c", "x" * 90)
    place.sessions.complete(place.id)
    with pytest.raises(InvalidTransition):
        place.artifacts.store(place.id, "t", "d", "")
    place.artifacts.delete(place.id, "b")  # what has ended can be tidied up, until it is archived
    place.sessions.archive(place.id)
    with pytest.raises(InvalidTransition):
        place.artifacts.delete(place.id, "c")
    assert place.artifacts.read(place.id, "c") == "x" * 90
    assert problems(place.store) == []


def test_it_is_told_once_it_is_committed(place: Place) -> None:
    stored = place.artifacts.store(place.id, "t", "n", "x")
    with place.state.transaction():
        place.artifacts.delete(place.id, stored)
        assert len(place.told) == 1
    facts = {
        "session_id": place.id,
        "artifact_id": stored.id,
        "name": "n",
        "version": 1,
        "size": 1,
        "artifact_type": "t",
    }
    assert place.told == [
        ("artifact.stored", facts, "ArtifactStored"), ("artifact.deleted", facts, "ArtifactDeleted"),
    ]  # fmt: skip
    assert place.kinds() == ["session.created", "artifact.stored", "artifact.deleted"]
    assert place.sessions.timeline(place.id)[1].data["artifact_id"] == stored.id


def test_a_store_in_a_transaction_commits_or_is_undone_with_it(place: Place) -> None:
    large = os.urandom(3 * PIECE_BYTES)
    with pytest.raises(ZeroDivisionError), place.state.transaction():
        place.state.set("app", "k", 1)
        place.artifacts.store(place.id, "t", "n", large)
        place.artifacts.store_stream(place.id, "t", "n", [large, b"more"])
        assert place.artifacts.read(place.id, "n") == large + b"more"
        _ = 1 / 0
    assert place.names() == []
    assert place.told == []
    assert place.artifacts.collect(dry_run=True).pieces == 0
    with place.state.transaction():
        place.state.set("app", "k", 1)
        place.artifacts.store(place.id, "t", "outer", large)
        with pytest.raises(ZeroDivisionError), place.state.transaction():
            place.artifacts.store(place.id, "t", "inner", "gone")
            _ = 1 / 0
        place.artifacts.store_stream(place.id, "t", "streamed", [large])
    assert place.names() == [("outer", 1), ("streamed", 1)]
    assert [name for _, data, _ in place.told for name in [data["name"]]] == ["outer", "streamed"]


def test_a_stream_that_fails_in_a_transaction_is_undone_alone(place: Place) -> None:
    with place.state.transaction():
        place.artifacts.store(place.id, "t", "kept", "x")
        with pytest.raises(BadArgument):
            place.artifacts.collect()
        with pytest.raises(ZeroDivisionError):
            place.artifacts.store_stream(
                place.id, "t", "n", (os.urandom(PIECE_BYTES) if n else 1 // n for n in (1, 1, 0))
            )
    assert place.names() == [("kept", 1)]
    assert problems(place.store) == []
    assert place.artifacts.collect(dry_run=True).pieces == 0


def test_a_stream_that_breaks_off_leaves_nothing(place: Place) -> None:
    def blocks() -> object:
        for _ in range(20):
            yield os.urandom(1 << 20)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        place.artifacts.store_stream(place.id, "t", "n", blocks())  # type: ignore[arg-type]
    assert place.names() == []
    assert problems(place.store) == []
    assert place.artifacts.collect().pieces >= 2 * BATCH_PIECES
    with place.store.read() as txn:
        assert list(txn.scan_keys(b"B", b"C")) == []


def test_files_go_in_and_out(place: Place, tmp_path: Path) -> None:
    source, target = tmp_path / "page.html", tmp_path / "out"
    data = b"<p>hello</p>" * 100_000
    source.write_bytes(data)
    seen: list[int] = []
    made = place.artifacts.store_file(place.id, str(source), "user_input", progress=seen.append)
    assert (made.name, made.mime_type, made.size, sum(seen)) == ("page.html", "text/html", len(data), len(data))
    target.write_bytes(b"what was there before")
    assert place.artifacts.save_to(place.id, made, str(target)) == len(data)
    assert target.read_bytes() == data
    assert sorted(os.listdir(tmp_path)) == sorted({"out", "page.html", "store"} & set(os.listdir(tmp_path)))


def test_only_regular_files_go_in_and_out(place: Place, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    made = place.artifacts.store(place.id, "t", "n", "x")
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    for wrong in (fifo, tmp_path, Path("/dev/null"), link):
        with pytest.raises(BadArgument):
            place.artifacts.save_to(place.id, made, str(wrong))
    for wrong in (fifo, tmp_path, Path("/dev/null")):
        with pytest.raises(BadArgument):
            place.artifacts.store_file(place.id, str(wrong), "t")
    with pytest.raises(NotFound):
        place.artifacts.store_file(place.id, str(tmp_path / "none"), "t")
    with pytest.raises(NotFound):
        place.artifacts.save_to(place.id, made, str(tmp_path / "none" / "file"))
    assert not (tmp_path / "elsewhere").exists()


def test_saving_that_fails_leaves_the_file_as_it_was(place: Place, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.write_bytes(b"before")
    made = place.artifacts.store(place.id, "t", "n", b"x" * 500_000)

    def stop(_size: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        place.artifacts.save_to(place.id, made, str(target), progress=stop)
    assert target.read_bytes() == b"before"
    assert [name for name in os.listdir(tmp_path) if name.endswith(".part")] == []


def test_only_what_a_session_owns_or_was_granted_can_be_read(place: Place) -> None:
    other = place.sessions.create(name="other")
    mine = place.artifacts.store(place.id, "t", "mine", "secret")
    theirs = place.artifacts.store(other, "t", "theirs", "x")
    place.sessions.set_current(other)
    for refused in (
        lambda: place.artifacts.read(place.id, mine), lambda: place.artifacts.info("", mine.id),
        lambda: place.artifacts.delete(place.id, "mine"), lambda: place.artifacts.grant("", mine, other, "read"),
        lambda: place.artifacts.revoke("", mine, other, "read"),
    ):  # fmt: skip
        with pytest.raises(AccessDenied):
            refused()
    assert [each.id for each in place.artifacts.query()] == [theirs.id]
    assert place.artifacts.list(place.id) == []
    place.sessions.set_current(None)
    assert len(place.artifacts.query()) == 2

    place.artifacts.grant(place.id, "mine", other, "read")
    place.sessions.set_current(other)
    assert place.artifacts.read(place.id, "mine") == place.artifacts.read("", mine.id) == "secret"
    assert place.artifacts.read(other, mine.id) == "secret"
    assert {each.id for each in place.artifacts.query()} == {mine.id, theirs.id}
    assert [each.id for each in place.artifacts.query(session_id=place.id)] == [mine.id]
    assert [each.id for each in place.artifacts.query(session_id=other)] == [theirs.id]
    assert [each.id for each in place.artifacts.list(place.id)] == [mine.id]
    with pytest.raises(AccessDenied, match="may not write"):
        place.artifacts.delete("", mine)

    place.sessions.set_current(None)
    place.artifacts.grant(place.id, "mine", other, "admin")
    place.sessions.set_current(other)
    third = place.sessions.create(name="third")
    place.artifacts.grant("", mine, third, "read")
    place.artifacts.revoke("", mine, third)
    place.artifacts.revoke("", mine, other, "admin")  # write is left
    with pytest.raises(AccessDenied):
        place.artifacts.grant("", mine, third, "read")
    place.artifacts.delete("", mine)
    assert [each.id for each in place.artifacts.query()] == [theirs.id]


def test_wrong_grants(place: Place) -> None:
    other = place.sessions.create()
    made = place.artifacts.store(place.id, "t", "n", "x")
    with pytest.raises(BadArgument, match="read, write, admin"):
        place.artifacts.grant(place.id, made, other, "own")
    with pytest.raises(NotFound):
        place.artifacts.grant(place.id, made, "nope", "read")
    with pytest.raises(BadArgument):
        place.artifacts.grant(place.id, made, place.id, "read")
    with pytest.raises(NotFound):
        place.artifacts.revoke(place.id, made, other)
    place.artifacts.grant(place.id, made, other, "read")
    with pytest.raises(NotFound):
        place.artifacts.revoke(place.id, made, other, "write")
    place.sessions.delete(other, force=True)
    assert place.artifacts.info(place.id, made).grants == {}


def test_a_later_format_is_told_apart_from_damage(place: Place) -> None:
    from llmspell.artifacts import layout
    from llmspell.errors import StorageError
    from llmspell.storage.record import seal

    made = place.artifacts.store(place.id, "t", "n", "x")
    key = layout.artifact_key(made.session, made.sequence)
    with place.store.write() as txn:
        before = txn.get(key)
        assert before is not None
        txn.put(key, seal(key, b"\x02", before[1:-4]))
    with pytest.raises(StorageError, match="unknown format 2"):
        place.artifacts.info(place.id, "n")
    with place.store.write() as txn:
        txn.put(key, before)
    assert artifact_.parse_id(made.id) == (place.id, 1, made.content_hash[:8])
