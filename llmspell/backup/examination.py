"""Examination: whether all that a store holds is sound, whichever part of the program has put it there."""

from itertools import chain

from llmspell.artifacts import check as artifacts
from llmspell.migration import check as migration
from llmspell.sessions import check as sessions
from llmspell.state import check as state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmspell.storage.store import ReadTransaction


def examine(key: bytes, value: bytes) -> str | None:
    """What is wrong with one stored pair, as a sentence, or None; of a space that nobody knows, nothing is."""
    return (
        state.examine(key, value)
        or sessions.examine(key, value)
        or artifacts.examine(key, value)
        or migration.examine(key, value)
    )


def examine_index(txn: "ReadTransaction") -> "Iterator[str]":
    """What does not fit together in a store whose pairs are sound by themselves."""
    return chain(state.examine_index(txn), sessions.examine_index(txn), artifacts.examine_index(txn))
