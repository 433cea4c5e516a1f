"""Versions are read strictly."""

import pytest

from llmspell.errors import BadArgument
from llmspell.migration import version as versions


@pytest.mark.parametrize(
    ("given", "text"), [("2.1.0", "2.1.0"), (2, "2.0.0"), ("2", "2.0.0"), ("2.1", "2.1.0"), ("65535.0.1", "65535.0.1")]
)
def test_versions_are_read(given: object, text: str) -> None:
    assert versions.text(versions.parse(given)) == text


@pytest.mark.parametrize(
    "given", ["", "a", "1.", "1..2", "1.2.3.4", "-1", "1.0.65536", True, 1.5, None, "\u0661.0.0", -1, [1]]
)
def test_what_is_no_version_is_refused(given: object) -> None:
    with pytest.raises(BadArgument, match="is no version"):
        versions.parse(given)


def test_bytes_sort_as_versions_do() -> None:
    ordered = [(0, 0, 1), (0, 9, 0), (0, 10, 0), (1, 0, 0), (1, 0, 300), (2, 0, 0)]
    assert sorted(ordered, key=versions.to_bytes) == ordered
