"""Patterns: `*` stands for one or more characters at any place, in linear time."""

import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmspell.events.pattern import Pattern


@pytest.mark.parametrize(
    ("pattern", "type", "is_meant"),
    [
        ("user.created", "user.created", True),
        ("user.created", "user.created.twice", False),
        ("user.*", "user.created", True),
        ("user.*", "user.", False),
        ("user.*", "user", False),
        ("*.created", "user.created", True),
        ("*.created", ".created", False),
        ("a.*.b", "a.x.b", True),
        ("a.*.b", "a.x.y.b", True),
        ("a.*.b", "a..b", False),
        ("a.*.b", "a.b", False),
        ("*", "x", True),
        ("**", "x", False),
        ("**", "xy", True),
        ("*a*", "bab", True),
        ("*a*", "ba", False),
        ("*aa*", "baab", True),
        ("ab*ab", "abab", False),
        ("ab*ab", "abxab", True),
        ("größe.*", "größe.neu", True),
    ],
)
def test_a_pattern_means_these_types(pattern: str, type: str, is_meant: bool) -> None:
    assert Pattern(pattern).matches(type) is is_meant


def plainly(pattern: str, text: str) -> bool:
    """The definition, word for word."""

    @cache
    def rest(i: int, j: int) -> bool:
        if i == len(pattern):
            return j == len(text)
        if pattern[i] == "*":
            return any(rest(i + 1, k) for k in range(j + 1, len(text) + 1))
        return j < len(text) and pattern[i] == text[j] and rest(i + 1, j + 1)

    return rest(0, 0)


@settings(deadline=None)
@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_a_pattern_does_what_its_definition_says(pattern: str, text: str) -> None:
    assert Pattern(pattern).matches(text) is plainly(pattern, text)


def test_a_hostile_pattern_costs_no_time() -> None:
    pattern = Pattern("*a" * 127)
    started = time.perf_counter()
    for _ in range(100):
        assert not pattern.matches("a" * 253 + "b")
    assert time.perf_counter() - started < 5  # without a bound it would be ages
