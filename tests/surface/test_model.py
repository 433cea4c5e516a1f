# ruff: noqa: E501 - a script stays in one line
"""What a global is made of, read from its class without importing `inspect` or `typing`."""

import inspect
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.globals import ALL
from llmspell.surface.model import (
    Anything,
    Callback,
    Choice,
    Global,
    Moment,
    Payload,
    Record,
    Type,
    camel_case,
    clean_doc,
)


class Colour(Choice):
    values = ("red", "blue")


class Point(Record):
    x: int
    label_: str | None = None


class Probe(Global):
    """A global for these tests."""

    name = "Probe"

    def mix_up(self, first: str, second: int = 5, *, colour_: Colour | None = None, deep: bool = False) -> list[Point]:
        """One line.

        And more.
        """
        return []

    def _hidden(self) -> None: ...


@pytest.mark.parametrize(
    ("hint", "kind", "optional"),
    [
        (None, "none", False), (bool, "boolean", False), (int, "integer", False), (float, "number", False), (str, "string", False),
        (bytes, "bytes", False), (Anything, "anything", True), (Payload, "payload", True), (Moment, "moment", False),
        (Callback, "callback", False), (Colour, "choice", False), (Point, "record", False), (list[int], "list", False),
        (dict[str, list[Point]], "map", False), (str | None, "string", True), (None | Point, "record", True), (Payload | None, "payload", True),
    ],
)  # fmt: skip
def test_the_kind_of_every_hint_of_the_closed_set(hint: object, kind: str, optional: bool) -> None:
    found = Type.of(hint)
    assert (found.kind, found.optional) == (kind, optional)


def test_items_and_classes_are_kept() -> None:
    found = Type.of(dict[str, list[Point]] | None)
    assert (found.kind, found.optional) == ("map", True)
    assert found.item is not None
    assert found.item.item is not None
    assert found.item.item.python is Point
    assert Type.of(Colour).python is Colour


@pytest.mark.parametrize(
    "hint",
    [object, complex, int | str, int | str | None, dict[int, str], tuple[int], set[int], list, dict, "int", Global],
)
def test_a_hint_outside_the_closed_set_fails(hint: object) -> None:
    with pytest.raises(TypeError, match="is no type that scripts can see"):
        Type.of(hint)


def test_a_class_with_a_hint_outside_the_set_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="is no type"):
        type(
            "Bad",
            (Global,),
            {"name": "Bad", "f": eval("lambda self, x: None")} | {"f": _with_hints({"x": object, "return": None})},
        )


def _with_hints(hints: dict[str, object]) -> object:
    def f(self: object, x: object) -> None: ...

    f.__annotations__ = hints
    return f


def test_open_argument_lists_mean_nothing_to_scripts() -> None:
    with pytest.raises(TypeError, match="have no meaning for scripts"):

        class Open(Global):
            name = "Open"

            def f(self, *args: int) -> None: ...


def test_a_function_is_read_from_its_signature() -> None:
    (function,) = Probe.functions
    assert (function.name, function.call, function.required_count) == ("mix_up", "Probe.mix_up", 1)
    assert [(field.name, field.type.kind, field.is_required) for field in function.parameters] == [
        ("first", "string", True),
        ("second", "integer", False),
    ]
    assert function.parameters[1].default == 5
    assert [(field.name, field.python, field.default) for field in function.options] == [
        ("colour", "colour_", None),
        ("deep", "deep", False),
    ]
    assert function.doc == "One line.\n\nAnd more."


def test_a_record_keeps_its_fields_in_order() -> None:
    assert [(field.name, field.python, field.type.kind) for field in Point.fields] == [
        ("x", "x", "integer"),
        ("label", "label_", "string"),
    ]
    point = Point(x=1, label_="a")
    assert (point.x, point.label_) == (1, "a")
    assert Point(x=1).label_ is None


@pytest.mark.parametrize(
    ("name", "camel"), [("list_keys", "listKeys"), ("save", "save"), ("a_b_c", "aBC"), ("get_2_x", "get2X"), ("", "")]
)
def test_the_second_spelling_of_a_name(name: str, camel: str) -> None:
    assert camel_case(name) == camel


@given(st.text(alphabet=" \nabc", max_size=60))
def test_docstrings_lose_their_indentation_as_inspect_does_it(text: str) -> None:
    lines = [line.rstrip() for line in inspect.cleandoc(text.strip()).split("\n")]
    assert clean_doc(text) == "\n".join(lines).strip()


@pytest.mark.parametrize("owner", ALL, ids=lambda owner: owner.name)
def test_every_function_of_every_global_is_documented_and_unambiguous(owner: type[Global]) -> None:
    names = [name for function in owner.functions for name in {function.name, camel_case(function.name)}]
    names += [native.name for native in owner.natives]
    assert len(names) == len(set(names))
    assert owner.__doc__
    for function in owner.functions:
        assert function.doc.partition("\n")[0].rstrip().endswith((".", ";", ":")) or "\n" in function.doc, function.call
        parameters = [field.name for field in (*function.parameters, *function.options)]
        assert len(parameters) == len(set(parameters))


def test_what_every_script_needs_imports_nothing_slow() -> None:
    slow = [
        "typing",
        "dataclasses",
        "inspect",
        "re",
        "json",
        "pathlib",
        "logging",
        "tomllib",
        "hashlib",
        "subprocess",
        "asyncio",
        "enum",
        "datetime",
    ]
    code = f"import sys; import llmspell.globals, llmspell.surface.host, llmspell.values, llmspell.errors; print([n for n in {slow!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}"], capture_output=True, check=True
    )
    assert done.stdout.decode().strip() == "[]"
