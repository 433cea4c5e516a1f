"""Numbers in payloads agree with the value codecs."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell import values
from llmspell.errors import BadArgument, BadValue
from llmspell.state import number
from llmspell.values import INT_MAX, INT_MIN

INTEGERS = st.integers(INT_MIN, INT_MAX)
NUMBERS = INTEGERS | st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS)
def test_written_numbers_are_what_the_codec_writes(value: int | float) -> None:
    assert number.write(value) == values.encode(value)


@given(NUMBERS)
def test_numbers_of_both_encodings_are_read_exactly(value: int | float) -> None:
    for payload in (values.encode(value), values.dump_json(value)):
        read = number.read(payload)
        assert type(read) is type(value)
        assert read == value
        assert math.copysign(1, read) == math.copysign(1, value)


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xc1", b" ", b"\t", b"\xc1\xc3", b"\xc1\xc0", b"\xc1\xa11", b"\xc1\x90", b" true", b' "5"', b" [1]", b" 1_0",
     b" inf", b" NaN", b" -", b" 1e", b" 0x1", b"5", b"\xc1\xcb\0", b"\xc1\xcc", b"\xc1\x05\x05", b" \xb2"],
)  # fmt: skip
def test_what_is_no_number_reads_as_none(payload: bytes) -> None:
    assert number.read(payload) is None


def test_short_floats_are_read() -> None:
    assert number.read(b"\xc1\xca\x3f\xc0\x00\x00") == 1.5


@given(INTEGERS, INTEGERS)
def test_integers_add_exactly_or_not_at_all(first: int, second: int) -> None:
    if INT_MIN <= first + second <= INT_MAX:
        total = number.add(first, second)
        assert type(total) is int
        assert total == first + second
    else:
        with pytest.raises(BadValue, match="does not fit into 64 bits"):
            number.add(first, second)


def test_a_float_makes_a_float() -> None:
    assert repr(number.add(1, 2.0)) == "3.0"
    assert repr(number.add(0.5, 1)) == "1.5"
    with pytest.raises(BadValue, match="largest number"):
        number.add(1.7e308, 1.7e308)


@pytest.mark.parametrize("by", [True, "1", None, float("nan"), float("inf"), 2**63, -(2**63) - 1, [1]])
def test_steps_are_finite_64_bit_numbers(by: object) -> None:
    with pytest.raises(BadArgument):
        number.check_step(by)  # type: ignore[arg-type]
