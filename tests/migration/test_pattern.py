"""Patterns mean what Python's expressions mean, and take no time to fail."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.errors import SchemaError
from llmspell.migration.pattern import Pattern

PATTERNS = [
    "abc", "^a+$", "a|b", "^(ab|c)*d?$", "[a-c]{2,3}", "^[^@]+@[^@]+\\.[^@]+$", "\\bab\\b", "\\Bb", "a.b", "^$", "",
    "\\d+-\\w", "(?:a|ab)+$", "^.*b$", "(a*)*b", "a{0}b", "[\\d-]", "[^\\s]", "a+?b",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text("abcd@.-1 \n", max_size=12))
def test_a_pattern_finds_what_python_finds(pattern: str, text: str) -> None:
    assert Pattern(pattern).is_in(text) == bool(re.search(pattern.replace("$", "\\Z"), text))


def test_a_pattern_that_costs_python_ages_is_linear() -> None:
    began = time.perf_counter()
    assert not Pattern("^(a+)+$").is_in("a" * 20_000 + "b")
    assert not Pattern("^(a|a)*(a|a)*$").is_in("a" * 20_000 + "b")
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "(?=a)",
        "(?<!a)b",
        "(a)\\1",
        "(?i)a",
        "(?i:a)",
        "((a{50}){50}){50}",
        "(?>a)",
        "a" * 5000,
        "(" * 9000,
    ],
)
def test_what_is_not_supported_is_refused(pattern: str) -> None:
    with pytest.raises(SchemaError, match="pattern"):
        Pattern(pattern)
