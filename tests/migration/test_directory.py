"""Schemas in a folder: read in the order of their versions, and what is wrong is told with the file's name."""

import json
from pathlib import Path

import pytest

from llmspell import config
from llmspell.errors import ConfigError, Conflict, LlmspellError, SchemaError
from llmspell.migration.directory import read_directory, register_directory
from llmspell.migration.format import JSON_SCHEMA, render
from llmspell.migration.transforms import KINDS
from llmspell.runtime import Runtime
from llmspell.storage.store import Store
from tests.migration.conftest import setup

FIRST = """
version = "1.0.0"
scope = "user:*"
[fields]
user_id = { type = "string", required = true, max_length = 36 }
since = { type = "timestamp", default = 2026-01-31T12:00:00Z }
"""
SECOND = """
version = "1.10.0"
scope = "user:*"
compatibility = "backward"
[fields.user_id]
type = "string"
required = true
[[migration_path]]
from_version = "1.0.0"
[[migration_path.transformations]]
transform = "rename"
field = "uid"
to = "user_id"
"""


def test_a_folder_is_registered_in_the_order_of_versions_and_again_without_change(tmp_path: Path, store: Store) -> None:
    (tmp_path / "a.toml").write_text(SECOND)
    (tmp_path / "b.toml").write_text(FIRST)
    (tmp_path / "notes.txt").write_text("no schema")
    assert [Path(file).name for file in read_directory(str(tmp_path))] == ["b.toml", "a.toml"]
    migrations = setup(store)
    for _ in range(2):
        register_directory(migrations.manager, migrations.catalogue, str(tmp_path))
    assert migrations.schema_versions() == ["1.0.0", "1.10.0"]
    assert migrations.catalogue.schemas[(1, 0, 0)].fields["since"].default == "2026-01-31T12:00:00+00:00"


WRONG: list[tuple[str, type[LlmspellError], str]] = [
    ("version = ", ConfigError, "is no TOML"),
    ("version = '\udcff'", ConfigError, "is no TOML"),
    ("a = " + "[" * 5000, ConfigError, "is no TOML"),
    ("#" + "x" * 1_000_001, ConfigError, "larger than 1000000 bytes"),
    ("scope = 'a'", SchemaError, "needs a 'version'"),
    ("version = 1\nfields = {a = 'text'}", SchemaError, "unknown type 'text'"),
]


@pytest.mark.parametrize(("text", "error", "sentence"), WRONG, ids=[sentence for _, _, sentence in WRONG])
def test_what_is_wrong_is_told_with_the_file(
    tmp_path: Path, text: str, error: type[LlmspellError], sentence: str
) -> None:
    (tmp_path / "wrong.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(error) as caught:
        read_directory(str(tmp_path))
    assert sentence in str(caught.value)
    assert "wrong.toml" in str(caught.value)


def test_a_schema_that_was_changed_on_disk_is_a_conflict_that_names_the_file(tmp_path: Path, store: Store) -> None:
    (tmp_path / "a.toml").write_text(FIRST)
    migrations = setup(store)
    register_directory(migrations.manager, migrations.catalogue, str(tmp_path))
    (tmp_path / "a.toml").write_text(FIRST.replace("36", "37"))
    with pytest.raises(Conflict, match=r"a\.toml: the schema 1\.0\.0 is registered already"):
        register_directory(migrations.manager, migrations.catalogue, str(tmp_path))


def test_the_runtime_registers_the_folder_and_only_the_default_one_may_be_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    overrides: dict[str, object] = {"state.migration.enabled": True}
    with Runtime(config.load(overrides=overrides, environ={}, cwd=str(tmp_path))) as runtime:
        assert runtime.migrations.schema_versions() == []
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "a.toml").write_text(FIRST)
    with Runtime(config.load(overrides=overrides, environ={}, cwd=str(tmp_path))) as runtime:
        assert runtime.migrations.schema_versions() == ["1.0.0"]
    elsewhere = {**overrides, "state.migration.schema_directory": "./nowhere"}
    with pytest.raises(ConfigError, match=r"schema_directory './nowhere'"):
        Runtime(config.load(overrides=elsewhere, environ={}, cwd=str(tmp_path)))


def test_the_json_schema_of_the_format_names_everything_there_is() -> None:
    assert json.loads(render()) == JSON_SCHEMA
    kinds = [each["properties"]["transform"]["const"] for each in JSON_SCHEMA["$defs"]["transformation"]["oneOf"]]
    assert kinds == list(KINDS)
    for each in JSON_SCHEMA["$defs"]["transformation"]["oneOf"]:
        assert set(each["properties"]) - {"transform"} == set(KINDS[each["properties"]["transform"]["const"]])
