"""Transformations: what each does to a document, and what it refuses."""

from typing import Any

import pytest

from llmspell.errors import MigrationError, SchemaError
from llmspell.migration.fields import Violation
from llmspell.migration.transforms import Functions, Transform


def apply(document: dict[Any, Any], transform: str, functions: Functions | None = None, **given: Any) -> dict[Any, Any]:
    functions = functions or Functions()
    return Transform.read({"transform": transform, **given}, "it", functions, "f").compile(functions)(document)


DOES: list[tuple[str, dict[str, Any], dict[Any, Any], dict[Any, Any]]] = [
    ("copy", {"field": "a", "to": "b.c"}, {"a": [1]}, {"a": [1], "b": {"c": [1]}}),
    ("copy", {"field": "x", "to": "b"}, {"a": 1}, {"a": 1}),
    ("copy", {"field": "a.b.c", "to": "d"}, {"a": {"b": 5}}, {"a": {"b": 5}}),
    ("rename", {"field": "a", "to": "b"}, {"a": 1, "b": 2}, {"b": 1}),
    ("rename", {"field": "x", "to": "b"}, {"b": 2}, {"b": 2}),
    ("rename", {"field": "a", "to": "b"}, {"a": None}, {"a": None}),
    ("move", {"field": "a", "to": "b.a"}, {"a": 1, "b": {"c": 2}}, {"b": {"c": 2, "a": 1}}),
    ("move", {"field": "a.b", "to": "b"}, {"a": {"b": 1}}, {"a": {}, "b": 1}),
    ("convert", {"field": "a", "type": "string"}, {"a": 5}, {"a": "5"}),
    ("convert", {"field": "a", "type": "string"}, {"a": True}, {"a": "true"}),
    ("convert", {"field": "a", "type": "string"}, {"a": b"\xc3\xa9"}, {"a": "é"}),
    ("convert", {"field": "a", "type": "number"}, {"a": " 5 "}, {"a": 5}),
    ("convert", {"field": "a", "type": "number"}, {"a": "1e3"}, {"a": 1000.0}),
    ("convert", {"field": "a", "type": "integer"}, {"a": 5.0}, {"a": 5}),
    ("convert", {"field": "a", "type": "boolean"}, {"a": "Yes"}, {"a": True}),
    ("convert", {"field": "a", "type": "boolean"}, {"a": 0}, {"a": False}),
    ("convert", {"field": "a", "type": "list", "to": "b"}, {"a": "x"}, {"b": ["x"]}),
    ("convert", {"field": "a", "type": "list"}, {"a": ["x"]}, {"a": ["x"]}),
    ("convert", {"field": "a", "type": "timestamp"}, {"a": 0}, {"a": "1970-01-01T00:00:00.000000Z"}),
    ("convert", {"field": "a", "type": "timestamp"}, {"a": "2026-01-01"}, {"a": "2026-01-01T00:00:00.000000Z"}),
    ("default", {"field": "a.b", "value": [1]}, {}, {"a": {"b": [1]}}),
    ("default", {"field": "a", "value": 1}, {"a": False}, {"a": False}),
    ("default", {"field": "a", "value": 1}, {"a": None}, {"a": 1}),
    ("remove", {"field": "a.b"}, {"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}),
    ("remove", {"field": "a.b"}, {"a": 5}, {"a": 5}),
    ("split", {"field": "n", "separator": " ", "to": ["f", "l"]}, {"n": "A B C"}, {"f": "A", "l": "B C"}),
    ("split", {"field": "n", "separator": " ", "to": ["f", "l"]}, {"n": "A"}, {"f": "A"}),
    ("split", {"field": "n", "separator": ",", "to": ["n", "l"]}, {"n": "A,B"}, {"n": "A", "l": "B"}),
    ("split", {"field": "n", "separator": ",", "to": ["f"], "keep": True}, {"n": "A,B"}, {"n": "A,B", "f": "A,B"}),
    ("merge", {"fields": ["f", "x", "l"], "to": "n"}, {"f": "A", "l": 5}, {"n": "A 5"}),
    ("merge", {"fields": ["f", "l"], "to": "f", "separator": "-"}, {"f": "A", "l": "B"}, {"f": "A-B"}),
    ("merge", {"fields": ["f"], "to": "n", "keep": True}, {"f": "A"}, {"f": "A", "n": "A"}),
    ("merge", {"fields": ["f"], "to": "n"}, {"a": 1}, {"a": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("transform", "given", "before", "after"), DOES)
def test_what_a_transformation_does(transform: str, given: dict[str, Any], before: Any, after: Any) -> None:
    assert apply(before, transform, **given) == after


REFUSES: list[tuple[str, dict[str, Any], dict[Any, Any], str]] = [
    ("move", {"field": "a", "to": "b.c"}, {"a": 1, "b": "text"}, "$.b"),
    ("convert", {"field": "a", "type": "string"}, {"a": b"\xff"}, "$.a"),
    ("convert", {"field": "a", "type": "string"}, {"a": {}}, "$.a"),
    ("convert", {"field": "a", "type": "number"}, {"a": "nan"}, "$.a"),
    ("convert", {"field": "a", "type": "number"}, {"a": "1_0"}, "$.a"),
    ("convert", {"field": "a", "type": "number"}, {"a": "\u0663"}, "$.a"),
    ("convert", {"field": "a", "type": "number"}, {"a": "9" * 30}, "$.a"),
    ("convert", {"field": "a", "type": "number"}, {"a": "9" * 5000}, "$.a"),
    ("convert", {"field": "a", "type": "integer"}, {"a": 5.5}, "$.a"),
    ("convert", {"field": "a", "type": "boolean"}, {"a": 2}, "$.a"),
    ("convert", {"field": "a", "type": "list"}, {"a": {}}, "$.a"),
    ("convert", {"field": "a", "type": "timestamp"}, {"a": "soon"}, "$.a"),
    ("split", {"field": "a", "separator": ",", "to": ["b"]}, {"a": 5}, "$.a"),
    ("merge", {"fields": ["a"], "to": "b"}, {"a": []}, "$.a"),
    ("function", {"function": lambda document: None}, {"a": 5}, "$"),
    ("function", {"function": lambda document: document["x"]}, {"a": 5}, "$"),
]


@pytest.mark.parametrize(("transform", "given", "document", "path"), REFUSES)
def test_what_cannot_be_done_names_the_path(transform: str, given: dict[str, Any], document: Any, path: str) -> None:
    with pytest.raises(Violation) as caught:
        apply(document, transform, **given)
    assert caught.value.path() == path
    assert caught.value.rule in (transform, "convert")


def test_a_copy_is_a_value_of_its_own() -> None:
    document = apply({"a": {"b": 1}}, "copy", field="a", to="c")
    document["a"]["b"] = 2
    assert document["c"] == {"b": 1}


@pytest.mark.parametrize(("field", "to"), [("a", "a"), ("a", "a.b"), ("a.b", "a.b.c")])
def test_a_field_cannot_go_into_itself(field: str, to: str) -> None:
    with pytest.raises(SchemaError, match="cannot go to"):
        apply({}, "move", field=field, to=to)


def test_a_function_may_have_a_name() -> None:
    functions = Functions()
    functions.add("up", lambda document: {**document, "n": document["n"] + 1})
    assert apply({"n": 1}, "function", functions, name="up") == {"n": 2}
    assert apply({"n": 1}, "function", functions, function="up") == {"n": 2}
    with pytest.raises(MigrationError, match="'down', which this run does not have"):
        apply({}, "function", functions, name="down")
