"""Values and their encodings: exact or refused, and hostile bytes are damage, not a wrong value."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmspell import values
from llmspell.errors import BadValue, Corrupt
from tests.languages.engine import identical

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=10)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.binary(max_size=10),
)
KEYS = st.one_of(
    TEXT, st.integers(-(2**63), 2**63 - 1), st.sampled_from(["$bytes", "$map", "$$bytes", "$$map", "$$$map", "$"])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
TEXT_KEYS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)


@given(VALUES)
def test_what_was_encoded_is_decoded_as_it_was(value: Any) -> None:
    assert identical(values.decode(values.encode(value)), value)


@given(VALUES)
@example({"$bytes": "AA=="})
@example({"$map": [[1, 2]]})
@example({"$$map": {"$bytes": b"\0"}})
def test_json_with_tags_is_exact_too(value: Any) -> None:
    payload = values.dump_json(value)
    assert identical(values.decode(payload), value)
    assert identical(values.load_json(payload), value)
    assert identical(values.decode(values.to_msgpack(payload)), value)


@given(TEXT_KEYS)
def test_a_payload_for_javascript_is_the_same_value(value: Any) -> None:
    for payload in (values.encode(value), values.dump_json(value)):
        assert identical(values.decode(values.to_json(payload)), value)


@given(VALUES)
def test_untagged_json_is_plain_json(value: Any) -> None:
    payload = values.dump_json(value)
    if payload[:1] == values.JSON:
        assert identical(json.loads(payload), value)


def test_integer_keys_become_names_for_javascript_whatever_the_encoding() -> None:
    for payload in (values.encode({1: [{2: "x"}]}), values.dump_json({1: [{2: "x"}]})):
        assert json.loads(values.to_json(payload)) == {"1": [{"2": "x"}]}


def test_two_keys_that_would_become_one_name_are_refused() -> None:
    with pytest.raises(BadValue, match=r"the map at \$\.a has both the integer key 1 and the text key '1'"):
        values.to_json(values.encode({"a": {1: 0, "1": 0}}))


@settings(max_examples=300)
@given(st.binary(max_size=40), st.sampled_from([values.MSGPACK, values.JSON, values.TAGGED, b""]))
@example(b"\xc7\x01\x05x", values.MSGPACK)
@example(b"\xd6\xff\0\0\0\0", values.MSGPACK)
@example(b"\x81\x90\x01", values.MSGPACK)
@example(b'{"$bytes": "*"}', values.TAGGED)
@example(b'{"$bytes": 5}', values.TAGGED)
@example(b'{"$map": [[[], 1]]}', values.TAGGED)
@example(b"[" * 40, values.JSON)
@example(b"", values.MSGPACK)
def test_bytes_that_are_no_payload_are_damage(data: bytes, codec: bytes) -> None:
    try:
        value = values.decode(codec + data)
    except Corrupt:
        return
    assert isinstance(value, (type(None), bool, int, float, str, bytes, list, dict))


@pytest.mark.parametrize(
    "payload", [b"", b"x", b"\xc1", b"\xc1\xc1", b" ", b" {", b"\t", b"\xc1\xc0\xc0", b" 1 2", b" [" * 9999]
)
def test_cut_off_or_foreign_payloads_are_damage(payload: bytes) -> None:
    with pytest.raises(Corrupt):
        values.decode(payload)


NO_VALUES = [
    (float("nan"), "the number at $ is not finite (nan)"),
    ([float("inf")], "the number at $[0] is not finite (inf)"),
    (2**63, "the integer at $ does not fit into 64 bits"),
    ({"a": [0, {"b": -(2**63) - 1}]}, "the integer at $.a[1].b does not fit into 64 bits"),
    ({1.5: 0}, "the key 1.5 at $ must be text or a 64-bit integer"),
    ({True: 0}, "the key True at $ must be text or a 64-bit integer"),
    ({b"k": 0}, "the key b'k' at $ must be text or a 64-bit integer"),
    ({2**63: 0}, f"the key {2**63} at $ must be text or a 64-bit integer"),
    ({"a": {1, 2}}, "cannot store a set (at $.a)"),
    ({"a": bytearray(b"x")}, "cannot store a bytearray (at $.a)"),
    ([object()], "cannot store a object (at $[0])"),
    ("\ud800", "the text at $ has a lone surrogate"),
    ({"\ud800": 1}, "the text at $ has a lone surrogate"),
]


@pytest.mark.parametrize(("value", "message"), NO_VALUES)
def test_what_is_no_value_is_refused_with_its_path(value: Any, message: str) -> None:
    with pytest.raises(BadValue) as caught:
        values.encode(value)
    assert str(caught.value) == message


def test_a_value_may_be_128_deep_and_no_deeper() -> None:
    value: Any = 1
    for _ in range(128):
        value = [value]
    assert identical(values.decode(values.encode(value)), value)
    with pytest.raises(BadValue, match="nested deeper than 128 levels"):
        values.encode([value])
    with pytest.raises(BadValue, match="nested deeper than 128 levels"):
        values.load_json("[" * 129 + "]" * 129)


def test_a_cycle_is_refused() -> None:
    value: list[Any] = []
    value.append({"again": value})
    with pytest.raises(BadValue, match="or a cycle"):
        values.encode(value)


def test_tuples_are_lists() -> None:
    assert values.decode(values.encode((1, (2,)))) == [1, [2]]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1,]", "NaN", "-Infinity", "1e999", '"\\ud800"', "9223372036854775808", "[" * 100_000, '{"a": 01}'],
)
def test_text_that_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        values.load_json(text)


@given(st.text(max_size=30))
def test_any_text_is_json_or_refused(text: str) -> None:
    try:
        value = values.load_json(text)
    except BadValue:
        return
    values.check(value)
