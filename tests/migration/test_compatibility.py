"""Compatibility: the table of what a new version may change at each level."""

from typing import Any

import pytest

from llmspell.errors import SchemaError
from llmspell.migration.engine import Migrations

OLD = {"a": {"type": "string", "required": True, "max_length": 10}, "b": {"type": "integer", "min": 0, "max": 10}}
CHANGES: list[tuple[str, dict[str, Any], str, str]] = [
    # what, the new fields, the rule that breaks backward, the rule that breaks forward
    ("the same", OLD, "", ""),
    ("an optional field more", {**OLD, "c": "string"}, "", ""),
    ("a required field more", {**OLD, "c": {"type": "string", "required": True}}, "required", ""),
    (
        "a required field more, with a default",
        {**OLD, "c": {"type": "string", "required": True, "default": "x"}},
        "",
        "",
    ),
    ("an optional field less", {"a": OLD["a"]}, "", ""),
    ("a required field less", {"b": OLD["b"]}, "", "required"),
    ("required no longer", {**OLD, "a": {**OLD["a"], "required": False}}, "", "required"),
    ("required now", {**OLD, "b": {**OLD["b"], "required": True}}, "required", ""),
    ("another type", {**OLD, "b": "string"}, "type", "type"),
    ("a wider type", {**OLD, "b": {**OLD["b"], "type": "number"}}, "", "type"),
    ("any type", {**OLD, "b": "any"}, "", "type"),
    ("a longer limit", {**OLD, "a": {**OLD["a"], "max_length": 20}}, "", "max_length"),
    ("a shorter limit", {**OLD, "a": {**OLD["a"], "max_length": 5}}, "max_length", ""),
    ("a new limit", {**OLD, "a": {**OLD["a"], "min_length": 5}}, "min_length", ""),
    ("a narrower range", {**OLD, "b": {"type": "integer", "min": 1, "max": 10}}, "min", ""),
    ("a wider range", {**OLD, "b": {"type": "integer", "min": 0, "max": 11}}, "", "max"),
    ("a new pattern", {**OLD, "a": {**OLD["a"], "pattern": "x"}}, "pattern", ""),
    ("a list of values", {**OLD, "b": {**OLD["b"], "enum": [1]}}, "enum", ""),
]


@pytest.mark.parametrize("level", ["none", "backward", "forward", "full", "full_transitive"])
@pytest.mark.parametrize(("what", "fields", "backward", "forward"), CHANGES, ids=[change[0] for change in CHANGES])
def test_what_each_level_allows(
    migrations: Migrations, level: str, what: str, fields: dict[str, Any], backward: str, forward: str
) -> None:
    migrations.register({"version": 1, "fields": OLD})
    breaks = {"none": "", "backward": backward, "forward": forward}.get(level, backward or forward)
    schema = {"version": 2, "fields": fields, "compatibility": level}
    if not breaks:
        migrations.register(schema)
        return
    with pytest.raises(SchemaError, match=rf"\$\.\w .*\(rule {breaks}\)$"):
        migrations.register(schema)
    assert migrations.schema_versions() == ["1.0.0"], what


def test_a_level_that_is_not_transitive_looks_at_the_last_version_alone(migrations: Migrations) -> None:
    migrations.register({"version": 1, "fields": {"a": {"type": "integer", "max": 5}}})
    migrations.register({"version": 2, "fields": {}})
    schema = {"version": 3, "fields": {"a": {"type": "integer", "max": 4}}}
    migrations.register({"version": "2.5", "fields": {}})
    with pytest.raises(SchemaError, match=r"not backward compatible with 1\.0\.0: \$\.a .*max"):
        migrations.register({**schema, "compatibility": "backward_transitive"})
    migrations.register({**schema, "compatibility": "backward"})


PATHS: list[tuple[str, dict[str, Any], dict[str, Any], list[dict[str, Any]], str]] = [
    ("rename", {"a": {"type": "string", "required": True}}, {"b": {"type": "string", "required": True}},
     [{"transform": "rename", "field": "a", "to": "b"}], ""),
    ("rename of what may be absent", {"a": "string"}, {"b": {"type": "string", "required": True}},
     [{"transform": "rename", "field": "a", "to": "b"}], "required"),
    ("default", {}, {"b": {"type": "integer", "required": True}}, [{"transform": "default", "field": "b", "value": 1}], ""),
    ("convert", {"a": {"type": "string", "required": True}}, {"a": {"type": "integer", "required": True}},
     [{"transform": "convert", "field": "a", "type": "integer"}], ""),
    ("convert to something else", {"a": "string"}, {"a": "integer"},
     [{"transform": "convert", "field": "a", "type": "boolean"}], "type"),
    ("move", {"a": {"type": "string", "required": True}},
     {"o": {"type": "object", "required": True, "fields": {"a": {"type": "string", "required": True}}}},
     [{"transform": "move", "field": "a", "to": "o.a"}], ""),
    ("split", {"n": {"type": "string", "required": True}}, {"f": {"type": "string", "required": True}, "l": "string"},
     [{"transform": "split", "field": "n", "separator": " ", "to": ["f", "l"]}], ""),
    ("split may give fewer parts", {"n": {"type": "string", "required": True}}, {"l": {"type": "string", "required": True}},
     [{"transform": "split", "field": "n", "separator": " ", "to": ["f", "l"]}], "required"),
    ("merge", {"f": {"type": "string", "required": True}, "l": "string"}, {"n": {"type": "string", "required": True}},
     [{"transform": "merge", "fields": ["f", "l"], "to": "n"}], ""),
    ("remove", {"a": "string"}, {"a": "integer"}, [{"transform": "remove", "field": "a"}], ""),
    ("function", {"a": "string"}, {"b": {"type": "string", "required": True}}, [{"transform": "function", "name": "f"}], ""),
]  # fmt: skip


@pytest.mark.parametrize(("what", "old", "new", "transformations", "breaks"), PATHS, ids=[path[0] for path in PATHS])
def test_old_documents_may_be_read_through_the_path(
    migrations: Migrations, what: str, old: Any, new: Any, transformations: Any, breaks: str
) -> None:
    migrations.register({"version": 1, "fields": old})
    schema = {"version": 2, "fields": new, "migration_path": [{"from_version": 1, "transformations": transformations}]}
    if breaks:
        with pytest.raises(SchemaError, match=rf"\(rule {breaks}\)$"):
            migrations.register(schema)
    else:
        assert migrations.register(schema) == "2.0.0", what


def test_closed_schemas_are_compared(migrations: Migrations) -> None:
    migrations.register({"version": 1, "fields": {"a": "string"}})
    with pytest.raises(SchemaError, match="rule additional"):
        migrations.register({"version": 2, "fields": {"a": "string"}, "additional": False})
