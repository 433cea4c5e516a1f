"""Times as they come in and go out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.errors import BadArgument
from llmspell.state import moment


@given(st.integers(-62_135_596_800_000_000, moment.LATEST))
def test_times_survive_as_text(micros: int) -> None:
    assert moment.parse(moment.text(micros)) == micros


@pytest.mark.parametrize(
    ("given_", "micros"),
    [
        (0, 0),
        (1_700_000_000, 1_700_000_000_000_000),
        (1.5, 1_500_000),
        (1_700_000_000.123456, 1_700_000_000_123_456),
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01 00:00:01.5Z", 1_500_000),
        ("1970-01-01T00:00:02", 2_000_000),
    ],
)
def test_times_come_in_as_text_or_seconds(given_: object, micros: int) -> None:
    assert moment.parse(given_) == micros


def test_text_is_utc_with_microseconds() -> None:
    assert moment.text(1_700_000_000_000_001) == "2023-11-14T22:13:20.000001Z"


@pytest.mark.parametrize("wrong", ["", "yesterday", "12", True, None, float("nan"), float("inf"), 10**18, [1]])
def test_what_is_no_time_is_a_bad_argument(wrong: object) -> None:
    with pytest.raises(BadArgument):
        moment.parse(wrong)
