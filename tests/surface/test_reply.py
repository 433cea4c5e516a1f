"""Structured results: what is spliced together reads as if it had been decoded and encoded as a whole."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell import values
from llmspell.errors import BadValue
from llmspell.surface.host import layout, plain
from llmspell.surface.model import Anything, Choice, Payload, Record, Type
from llmspell.surface.reply import json_writer, msgpack_writer, payload_writer, splitter


class Colour(Choice):
    values = ("red", "blue")


class Inner(Record):
    name: str
    value: Payload


class Outer(Record):
    id: str
    count: int
    ratio: float
    is_there: bool
    data: bytes
    colour: Colour
    payload: Payload | None = None
    inner: Inner | None = None
    items: list[Inner]
    numbers: list[int]
    table: dict[str, Inner]
    payloads: dict[str, Payload]
    anything: Anything = None
    class_: str


class Single(Record):
    only: str


OUTER = Type.of(Outer)
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ENCODINGS = (values.encode, values.dump_json, lambda value: values.dump_json(value, property_names=False))

texts = st.text(max_size=40) | st.sampled_from(["$bytes", "$$map", "$map", "x" * 300, 'a"b\\c\n', "größe"])
scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
)
plain_values = st.recursive(
    scalars | texts | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
payloads = st.builds(lambda value, encode: encode(value), plain_values, st.sampled_from(ENCODINGS))
inners = st.builds(Inner, name=texts, value=payloads)
outers = st.builds(
    Outer, id=texts, count=st.integers(-(2**63), 2**63 - 1), ratio=st.floats(-1e9, 1e9), is_there=st.booleans(),
    data=st.binary(max_size=10), colour=st.sampled_from([Colour("red"), Colour("blue")]), payload=st.none() | payloads,
    inner=st.none() | inners, items=st.lists(inners, max_size=20), numbers=st.lists(st.integers(0, 2**40), max_size=20),
    table=st.dictionaries(texts, inners, max_size=2), payloads=st.dictionaries(texts, payloads, max_size=2),
    anything=plain_values, class_=texts,
)  # fmt: skip


@few
@given(outers)
def test_a_spliced_record_is_the_record(record: Outer) -> None:
    expected = plain(record, OUTER)
    assert values.decode(msgpack_writer(OUTER)(record)) == expected
    assert values.decode(json_writer(OUTER)(record).encode()) == expected
    for language in ("lua", "javascript"):
        assert values.decode(payload_writer(OUTER, language)(record)) == expected


@few
@given(outers)
def test_a_record_taken_apart_has_all_its_fields_in_the_order_of_the_layout(record: Outer) -> None:
    is_there, *fields = splitter(OUTER)(record)
    names = layout(OUTER).split(",")
    assert is_there is True
    assert names == [
        "id", "count", "ratio", "is_there", "data", "colour", "payload*", "inner*", "items*", "numbers*", "table*",
        "payloads*", "anything*", "class",
    ]  # fmt: skip
    found: dict[str, Any] = {}
    for name, field in zip(names, fields, strict=True):
        if field is not None:
            text = field.decode() if isinstance(field, bytes) and name in ("id", "colour", "class") else field
            found[name.rstrip("*")] = values.decode(field) if name.endswith("*") else text
    assert found == plain(record, OUTER)


def test_a_record_with_one_field_works_too() -> None:
    record = Single(only="x")
    assert splitter(Type.of(Single))(record) == (True, b"x")
    assert values.decode(msgpack_writer(Type.of(Single))(record)) == {"only": "x"}


@few
@given(st.lists(st.none() | texts, max_size=70000 // 1000))
def test_a_list_of_texts_keeps_its_places(items: list[str | None]) -> None:
    type_ = Type.of(list[str])
    assert values.decode(msgpack_writer(type_)(items)) == items
    assert values.decode(json_writer(type_)(items).encode()) == items


@pytest.mark.parametrize("count", [0, 15, 16, 65535, 65536])
def test_long_lists_and_maps_have_the_right_heads(count: int) -> None:
    numbers = list(range(count))
    assert values.decode(msgpack_writer(Type.of(list[int]))(numbers)) == numbers
    table = {str(number): number for number in numbers}
    assert values.decode(msgpack_writer(Type.of(dict[str, int]))(table)) == table


@pytest.mark.parametrize("size", [31, 32, 255, 256, 65535, 65536])
def test_texts_of_every_length_have_the_right_heads(size: int) -> None:
    assert values.decode(msgpack_writer(Type.of(list[str]))(["x" * size])) == ["x" * size]


@pytest.mark.parametrize("write", [msgpack_writer, json_writer, splitter])
def test_a_lone_surrogate_is_no_value(write: Any) -> None:
    with pytest.raises(BadValue, match="lone surrogate"):
        write(Type.of(Inner))(Inner(name="\ud800", value=values.encode(1)))
