"""What the tests of the languages share: a runtime in memory, and engines with limits of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmspell.runtime import Runtime
from tests.languages.engine import Engine, open_runtime


@pytest.fixture(scope="session")
def runtime() -> Iterator[Runtime]:
    """A runtime with the default limits and no grants, in memory. For tests that only need their own scope of it."""
    with open_runtime() as opened:
        yield opened


@pytest.fixture(params=["lua", "javascript"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Each language, to be run with limits and grants of the test's choosing."""
    opened = Engine(request.param, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def lua(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine("lua", tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def javascript(tmp_path: Path) -> Iterator[Engine]:
    opened = Engine("javascript", tmp_path)
    yield opened
    opened.close()
