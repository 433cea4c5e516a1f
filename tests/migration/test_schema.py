"""Schemas: what a definition may say, and what a document must be."""

from typing import Any

import pytest

from llmspell.errors import SchemaError
from llmspell.migration.fields import BASIC, NONE, STRICT, Violation
from llmspell.migration.schema import Schema
from llmspell.migration.transforms import Functions


def schema(**given: Any) -> Schema:
    return Schema.read({"version": "1.0.0", **given}, Functions())


def problem(
    fields: dict[str, Any], document: dict[Any, Any], level: int = STRICT, **more: Any
) -> tuple[str, str] | None:
    """Path and rule of what is wrong with a document, or None."""
    try:
        schema(fields=fields, **more).validate(document, level)
    except Violation as violation:
        return violation.path(), violation.rule
    return None


FITS: list[tuple[object, object]] = [
    ("string", "é"), ("integer", -5), ("number", 1), ("number", 1.5), ("float", 2), ("boolean", False), ("list", []),
    ("object", {}), ("timestamp", "2026-01-31T12:00:00Z"), ("timestamp", 1.5), ("bytes", b"\xff"), ("any", [1, {"a": b""}]),
    ({"type": "string", "max_length": 2}, "éé"), ({"type": "list", "items": "integer"}, [1, 2]),
    ({"type": "integer", "enum": [1, 2]}, 2), ({"type": "string", "pattern": "^a"}, "ab"),
    ({"type": "list", "min_length": 1}, [None]), ({"type": "number", "min": 0, "max": 0}, 0.0), ("string", None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), FITS)
def test_values_that_fit(field: object, value: object) -> None:
    assert problem({"f": field}, {"f": value, "other": 1}) is None


BREAKS: list[tuple[object, object, str, str]] = [
    ("string", 1, "$.f", "type"), ("string", b"", "$.f", "type"), ("integer", 1.0, "$.f", "type"),
    ("integer", True, "$.f", "type"), ("number", True, "$.f", "type"), ("number", "1", "$.f", "type"),
    ("boolean", 0, "$.f", "type"), ("list", {}, "$.f", "type"), ("object", [], "$.f", "type"),
    ("timestamp", "soon", "$.f", "type"), ("timestamp", False, "$.f", "type"), ("bytes", "", "$.f", "type"),
    ({"type": "any", "required": True}, None, "$.f", "required"),
    ({"type": "string", "max_length": 1}, "ab", "$.f", "max_length"),
    ({"type": "bytes", "min_length": 2}, b"a", "$.f", "min_length"),
    ({"type": "integer", "min": 0}, -1, "$.f", "min"), ({"type": "number", "max": 1}, 1.5, "$.f", "max"),
    ({"type": "string", "pattern": "^a"}, "ba", "$.f", "pattern"),
    ({"type": "any", "enum": [1, "a"]}, True, "$.f", "enum"), ({"type": "any", "enum": [[1]]}, [True], "$.f", "enum"),
    ({"type": "list", "items": "integer"}, [1, "a"], "$.f[1]", "type"),
    ({"type": "list", "items": {"type": "list", "items": "string"}}, [[], ["a", 1]], "$.f[1][1]", "type"),
    ({"type": "list", "items": {"type": "object", "fields": {"a": {"type": "any", "required": True}}}}, [{}], "$.f[0].a",
     "required"),
    ({"type": "list", "items": {"type": "object", "additional": False}}, [{"b": 1}], "$.f[0].b", "additional"),
    ({"type": "object", "fields": {"a": {"type": "object", "fields": {"b": "integer"}}}}, {"a": {"b": "x"}}, "$.f.a.b",
     "type"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "path", "rule"), BREAKS)
def test_values_that_do_not_fit_name_path_and_rule(field: object, value: object, path: str, rule: str) -> None:
    assert problem({"f": field}, {"f": value}) == (path, rule)


def test_basic_looks_at_types_and_what_is_required_only() -> None:
    fields = {"a": {"type": "string", "required": True, "max_length": 1}, "b": {"type": "integer", "min": 5}}
    assert problem(fields, {"a": "long", "b": 1}, BASIC) is None
    assert problem(fields, {"b": 1}, BASIC) == ("$.a", "required")
    assert problem(fields, {"a": 1}, BASIC) == ("$.a", "type")
    assert problem(fields, {}, NONE) is None


def test_undeclared_fields_are_allowed_unless_the_schema_says_otherwise() -> None:
    assert problem({"a": "any"}, {"b": 1}) is None
    assert problem({"a": "any"}, {"b": 1}, additional=False) == ("$.b", "additional")
    assert problem({"a": "any"}, {1: 1}, additional=False) == ("$.1", "additional")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"fields": {"a": "text"}}, "unknown type 'text'"),
    ({"fields": {"a": {"type": "string", "maxlength": 1}}}, "unknown name 'maxlength'"),
    ({"fields": {"a": {"type": "string", "max": 1}}}, "of type string, which has no rule 'max'"),
    ({"fields": {"a": {"type": "string", "max_length": -1}}}, "a whole number from 0"),
    ({"fields": {"a": {"type": "string", "max_length": 1, "maxLength": 1}}}, "both spellings"),
    ({"fields": {"a": {"type": "string", "min_length": 3, "max_length": 1}}}, "nothing fits"),
    ({"fields": {"a": {"type": "string", "pattern": "("}}}, "no regular expression"),
    ({"fields": {"a": {"type": "integer", "default": "x"}}}, "its default must be an integer"),
    ({"fields": {"a": {"type": "integer", "required": "yes"}}}, "must be true or false"),
    ({"fields": {"a.b": "string"}}, "no name of a field"),
    ({"fields": 5}, "must be a map"),
    ({"compatibility": "sideways"}, "unknown compatibility"),
    ({"version": "x"}, "is no version"),
    ({"scope": 5}, "must be text"),
    ({"name": "x"}, "unknown name 'name'"),
    ({"migration_path": [{"transformations": []}]}, "needs 'from_version'"),
    ({"migration_path": [{"from_version": 1}]}, "to itself"),
    ({"migration_path": [{"from_version": 0, "transformations": [{"transform": "rot13"}]}]}, "unknown transform"),
    ({"migration_path": [{"from_version": 0, "transformations": [{"transform": "copy", "field": "a"}]}]}, "needs 'to'"),
    (
        {"migration_path": [{"from_version": 0, "transformations": [{"transform": "remove", "field": "a..b"}]}]},
        "no path",
    ),
]


@pytest.mark.parametrize(("given", "sentence"), WRONG, ids=[sentence for _, sentence in WRONG])
def test_a_wrong_definition_is_refused_with_what_is_wrong(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SchemaError) as caught:
        schema(**given)
    assert sentence in str(caught.value)


def test_a_definition_nested_too_deep_is_refused() -> None:
    field: dict[str, Any] = {"type": "any"}
    for _ in range(100):
        field = {"type": "object", "fields": {"a": field}}
    with pytest.raises(SchemaError, match="deeper than 64"):
        schema(fields={"a": field})


def test_both_spellings_give_the_same_schema() -> None:
    one = schema(fields={"a": {"type": "string", "max_length": 3}}, migration_path=[{"from_version": "0.1.0"}])
    other = schema(fields={"a": {"type": "string", "maxLength": 3}}, migrationPath=[{"fromVersion": "0.1"}])
    assert one.document() == other.document()


def test_a_schema_is_what_its_document_says() -> None:
    given = schema(
        scope="user:*", key="p*", additional=False, description="d", compatibility="full",
        fields={"a": {"type": "list", "items": {"type": "object", "fields": {"b": {"type": "number", "max": 3}}}},
                "c": {"type": "string", "pattern": "x", "enum": ["x"], "default": "x", "required": True}},
        migration_path=[{"from": 0, "transformations": [{"transform": "split", "field": "a", "separator": ",", "to": ["b"]}]}],
    )  # fmt: skip
    assert Schema.read(given.document(), Functions()).document() == given.document()


@pytest.mark.parametrize(
    ("scope", "key", "fits"),
    [
        ("user:ann", "profile", True),
        ("user:", "profile", True),
        ("users", "profile", False),
        ("user:ann", "profiles", False),
    ],
)
def test_patterns_choose_documents(scope: str, key: str, fits: bool) -> None:
    assert schema(scope="user:*", key="profile").covers(scope, key) is fits


def test_a_custom_scope_is_meant_in_either_spelling() -> None:
    assert schema(scope="custom:notes").covers("notes", "k")


def test_places_in_a_path_are_counted_as_the_reader_does() -> None:
    fields = {"a[0]": {"type": "list", "items": {"type": "list", "items": "string"}}}
    with pytest.raises(Violation) as caught:
        schema(fields=fields).validate({"a[0]": [[], ["x", 1]]}, STRICT)
    assert str(caught.value).startswith("$.a[0][1][1] must be text")
    assert caught.value.path(1) == "$.a[0][2][2]"
