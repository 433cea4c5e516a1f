"""The generated files: fresh, and said to be stale when they are not."""

import json
from pathlib import Path

import pytest
from sample_globals import ALL as SAMPLE

from llmspell import generate
from llmspell.errors import by_code
from llmspell.globals import ALL
from llmspell.surface import dump
from llmspell.surface.model import Global


def test_files_in_the_repository_are_fresh() -> None:
    assert generate.stale() == []


def test_written_files_are_fresh_and_written_once(tmp_path: Path) -> None:
    assert generate.write(tmp_path) == list(generate.FILES)
    assert generate.stale(tmp_path) == []
    assert generate.write(tmp_path) == []


def test_check_names_stale_and_missing_files_and_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    generate.write(tmp_path)
    (tmp_path / "docs" / "errors.md").write_text("old")
    (tmp_path / "types" / "llmspell.lua").unlink()
    assert generate.main(["--check", "--root", str(tmp_path)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["types/llmspell.lua", "docs/errors.md"]
    assert all("make generate" in line for line in lines)
    assert (tmp_path / "docs" / "errors.md").read_text() == "old"


def test_check_of_fresh_files_succeeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--root", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [f"wrote {path}" for path in generate.FILES]
    assert generate.main(["--check", "--root", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("path", generate.FILES)
def test_generated_text_is_tidy_and_always_the_same(path: str) -> None:
    text = generate.FILES[path]()
    assert text == generate.FILES[path]()
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_every_kind_of_the_api_command_renders() -> None:
    assert generate.render("lua") == generate.FILES["types/llmspell.lua"]()
    assert generate.render("typescript") == generate.FILES["types/llmspell.d.ts"]()
    assert generate.render("markdown") == generate.FILES["docs/scripts.md"]()


def test_json_holds_the_whole_surface() -> None:
    document = json.loads(generate.render("json"))
    declared = {function.call for owner in ALL for function in owner.functions}
    assert {function["call"] for owner in document["globals"] for function in owner["functions"]} == declared
    assert [error["code"] for error in document["errors"]] == list(by_code())
    state = next(owner for owner in document["globals"] if owner["name"] == "State")
    save = next(function for function in state["functions"] if function["name"] == "save")
    assert [parameter["name"] for parameter in save["parameters"]] == ["scope", "key", "value"]
    assert {"ttl", "class", "if_version"} <= {option["name"] for option in save["options"]}


def test_json_holds_objects_groups_and_constants() -> None:
    document = json.loads(dump.render(SAMPLE))
    (kinds,) = [owner for owner in document["globals"] if owner["name"] == "Notes.kinds"]
    assert kinds["constants"][0] == {
        "name": "most_common",
        "spellings": ["most_common", "mostCommon"],
        "doc": "The one that most notes have.",
        "type": {"kind": "string", "optional": False},
    }
    assert [each["name"] for each in document["objects"]] == ["Nib", "Pen"]
    assert [method["call"] for method in document["objects"][1]["methods"]] == ["Pen.owner", "Pen.set_ink", "Pen.nibs"]


def test_names_of_types_in_the_json_exist() -> None:
    document = json.loads(generate.render("json"))
    named = [*document["records"], *document["choices"], *document["objects"]]
    known = {each["name"] for each in named}

    def mentioned(node: object) -> set[str]:
        if isinstance(node, dict):
            own = {str(node["name"])} if "kind" in node and "name" in node else set()
            return own.union(*map(mentioned, node.values()))
        return set().union(*map(mentioned, node)) if isinstance(node, list) else set()

    assert mentioned([document["globals"], named]) == known
    assert all(issubclass(owner, Global) for owner in ALL)
