"""`llmspell artifact …` as users type it."""

import os
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

CONFIG = """
[state]
backend = "disk"
path = "store"
[runtime.sessions]
enabled = true
"""


@pytest.fixture
def place(shell: Shell) -> Shell:
    shell.file("llmspell.toml", CONFIG)
    return shell


def session(shell: Shell) -> str:
    found = shell("exec", "return Session.create{name = 'work'}", "--output", "json")
    assert found.status == 0, found.err
    created: str = found.json["result"]
    return created


def test_a_file_goes_in_and_comes_out(place: Shell) -> None:
    owner = session(place)
    data = os.urandom(300_000)
    place.file("data.bin", data)
    put = place("artifact", "put", "--session", owner, "--tag", "raw", "data.bin")
    assert put.status == 0, put.err
    artifact = put.out.strip()
    assert artifact.startswith(f"{owner}/1/")
    assert "300 kB" in put.err
    assert place("artifact", "cat", artifact).raw == data
    saved = place("artifact", "save", artifact, "-o", "copy.bin", "--output", "json")
    assert saved.json == {"id": artifact, "file": "copy.bin", "bytes": 300_000}
    assert (place.folder / "copy.bin").read_bytes() == data
    refused = place("artifact", "save", artifact)
    assert refused.status == 1
    assert "data.bin" in refused.err
    (place.folder / "data.bin").unlink()
    assert place("artifact", "save", artifact).status == 0
    assert (place.folder / "data.bin").read_bytes() == data


def test_lists_queries_and_facts(place: Shell) -> None:
    owner = session(place)
    place.file("notes.md", "# Notes about foxes")
    place.file("log.txt", "nothing")
    first = place("artifact", "put", "--session", owner, "--tag", "a", "--type", "note", "notes.md").out.strip()
    second = place("artifact", "put", "--session", owner, "--name", "day.log", "log.txt").out.strip()
    listed = place("artifact", "list", "--session", owner, "--output", "json").json
    assert [each["id"]["text"] for each in listed] == [first, second]
    assert listed[0]["metadata"]["mime_type"] == "text/markdown"
    shown = place("artifact", "list").out.splitlines()
    assert shown[0].split() == ["id", "name", "version", "artifact_type", "size", "created_at", "tags"]
    assert [line.split()[1] for line in shown[1:]] == ["day.log", "notes.md"]
    for options in (["--tag", "a"], ["--type", "note"], ["--name", "*.md"], ["--text", "FOX"], ["--min-size", "10"]):
        found = place("artifact", "query", *options, "--output", "json").json
        assert [each["id"]["text"] for each in found] == [first], options
    assert place("artifact", "query", "--after", "2099-01-01T00:00:00Z", "--output", "json").json == []
    facts = place("artifact", "info", first)
    assert f"id             {first}" in facts.out.splitlines()
    assert place("artifact", "info", first, "--output", "json").json["custom"] == {}


def test_standard_input_is_a_file_too(place: Shell) -> None:
    owner = session(place)
    put = place("artifact", "put", "--session", owner, "--name", "n", "-", input=b"from a pipe")
    assert place("artifact", "cat", put.out.strip(), "--output", "json").json == "from a pipe"


def test_what_is_deleted_goes_with_a_collection(place: Shell) -> None:
    owner = session(place)
    place.file("a", "content")
    artifact = place("artifact", "put", "--session", owner, "a").out.strip()
    assert place("artifact", "delete", artifact, "--output", "json").json == {"deleted": artifact}
    assert place("artifact", "cat", artifact).status == 10
    expected = {"dry_run": True, "pieces": 1, "bytes": 7, "uploads": 0}
    assert place("artifact", "gc", "--dry-run", "--output", "json").json == expected
    assert place("artifact", "gc", "--output", "json").json == expected | {"dry_run": False}
    assert place("artifact", "gc", "--output", "json").json["pieces"] == 0
    assert place("artifact", "verify", "--output", "json").json["sound"] is True


def test_damage_is_told_by_every_command_that_reads_it(place: Shell) -> None:
    owner = session(place)
    place.file("a", os.urandom(400_000))
    artifact = place("artifact", "put", "--session", owner, "a").out.strip()
    flip_in_overflow_page(place.folder / "store" / "data.mdb")
    for command in (["verify"], ["cat", artifact], ["save", artifact, "-o", "b"]):
        assert place("artifact", *command).status == 4, command
    assert place("check").status == 4
    assert place("artifact", "verify", "--output", "json").json["sound"] is False
    assert not (place.folder / "b").exists()


def flip_in_overflow_page(path: Path) -> None:
    """Damage the middle of the file, which is content: LMDB has no checksums of its own."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["info", "name"], 2),
        (["info", "00000000-0000-7000-8000-000000000000/1/00000000"], 10),
        (["put", "none"], 2),
        (["put", "--session", "nope", "llmspell.toml"], 10),
        (["put", "--session", "nope", "none"], 10),
        (["list", "--session", "nope"], 10),
        (["query", "--after", "soon"], 1),
    ],
)
def test_wrong_usage(place: Shell, words: list[str], status: int) -> None:
    ran = place("artifact", *words, "--output", "json")
    assert ran.status == status, ran.err
    assert ran.json["error"]["exit_status"] == status


def test_without_sessions_there_are_no_artifacts(shell: Shell) -> None:
    ran = shell("artifact", "list")
    assert ran.status == 3
    assert "[runtime.sessions]" in ran.err
