"""The comparator: identical when equal and only then, with every difference at its path."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.errors import BadValue
from llmspell.replay.comparator import MAX_DIFFERENCES, Comparator
from tests.languages.engine import identical

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=3) | st.integers(0, 5), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def differences(expected: Any, actual: Any, first_index: int = 0) -> list[tuple[str, str, str]]:
    found = Comparator(first_index=first_index).compare(expected, actual)
    return [(each.path, each.description, each.severity) for each in found.differences]


@given(VALUES, VALUES)
def test_identical_means_equal_to_the_type(one: Any, other: Any) -> None:
    for expected, actual in ((one, other), (one, copy.deepcopy(one))):
        found = Comparator().compare(expected, actual)
        assert found.identical == identical(expected, actual)
        assert found.identical == (found.differences == []) == (found.similarity_score == 1.0)
        assert 0 <= found.similarity_score <= 1
        assert (found.summary == "identical") == found.identical


@given(VALUES, VALUES)
def test_comparing_the_other_way_round_is_as_similar(one: Any, other: Any) -> None:
    there, back = Comparator().compare(one, other), Comparator().compare(other, one)
    assert there.total == back.total
    assert there.similarity_score == pytest.approx(back.similarity_score)


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        ({"a": 1}, {"a": 2}, [("$.a", "was 1, is 2", "major")]),
        ({"a": 1}, {}, [("$.a", "is missing; it was 1", "critical")]),
        ({}, {"b c": "x"}, [('$["b c"]', 'was added: "x"', "major")]),
        ({1: "x"}, {"1": "x"}, [("$[1]", 'is missing; it was "x"', "critical"), ('$["1"]', 'was added: "x"', "major")]),
        (1, 1.0, [("$", "was the integer 1, is the number 1.0", "minor")]),
        (0.0, -0.0, [("$", "was 0.0, is -0.0", "minor")]),
        (0.1 + 0.2, 0.3, [("$", "was 0.30000000000000004, is 0.3", "minor")]),
        (10**12, 10**12 + 1, [("$", "was 1000000000000, is 1000000000001", "major")]),
        (True, 1, [("$", "was a boolean, is an integer", "critical")]),
        (None, "x", [("$", "was nothing, is text", "critical")]),
        ([], {}, [("$", "was a list, is a map", "critical")]),
        (b"ab", b"abc", [("$", "was 2 bytes, is 3 bytes", "major")]),
        ([1, 2, 3], [0, 1, 2, 3], [("$[0]", "was added: 0", "major")]),
        ([1, 2, 3], [1, 3], [("$[1]", "is missing; it was 2", "critical")]),
        ({"a": [{"b": 1}]}, {"a": [{"b": [1, 2]}]}, [("$.a[0].b", "was an integer, is a list", "critical")]),
        ({"a": {"x": 1, "y": 2}}, {}, [("$.a", "is missing; it was a map of 2 items", "critical")]),
        ("x" * 100, "y", [("$", f'was "{"x" * 59}…, is "y"', "major")]),
    ],
)
def test_differences_are_told_by_path(expected: Any, actual: Any, found: list[tuple[str, str, str]]) -> None:
    assert differences(expected, actual) == found


def test_lists_count_as_the_language_does() -> None:
    assert differences([1, [2]], [1, [3]], 1) == [("$[2][1]", "was 2, is 3", "major")]


def test_similarity_is_the_share_of_leaves() -> None:
    assert Comparator().compare({"a": 1, "b": 2, "c": [3, 4]}, {"a": 1, "b": 2, "c": [3, 5]}).similarity_score == 0.75
    assert Comparator().compare({"a": 1}, {"a": 1.0}).similarity_score == 0.5
    assert Comparator().compare([], "x").similarity_score == 0
    summary = Comparator().compare({"a": 1, "b": "x", "c": 2}, {"a": 2, "b": 5, "c": 2}).summary
    assert summary == "2 differences (1 critical, 1 major), 33% similar"


def test_long_lists_of_differences_are_cut_and_counted() -> None:
    found = Comparator().compare(list(range(5000)), list(range(5000, 0, -1)))
    assert len(found.differences) == MAX_DIFFERENCES
    assert found.total > 4000
    assert str(found.total) in found.summary


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(BadValue):
        Comparator().compare(float("nan"), 1)
    with pytest.raises(BadValue):
        Comparator().compare(1, object())
