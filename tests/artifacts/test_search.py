"""Search: by indexes and by what is asked of each, newest first."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmspell.artifacts.search import name_matcher
from llmspell.errors import BadArgument, NotFound
from llmspell.storage.memory import MemoryStore
from tests.artifacts.conftest import Place


def names(place: Place, **query: Any) -> list[str]:
    return [each.name for each in place.artifacts.query(**query)]


@pytest.fixture
def library(place: Place) -> Place:
    """Four artifacts in two sessions, each a second later than the one before."""
    other = place.sessions.create(name="other")
    store = place.artifacts.store
    store(place.id, "note", "Alpha.md", "the quick fox", tags=["a", "draft"], custom={"score": 1})
    place.clock.now += 1_000_000
    store(
        place.id,
        "note",
        "beta.md",
        "x" * 100,
        tags=["a"],
        description="A Quick look",
        custom={"score": 2, "by": {"n": "ann"}},
    )
    place.clock.now += 1_000_000
    store(other, "log", "gamma.log", b"\xff quick", tags=["a", "b"])
    place.clock.now += 1_000_000
    store(other, "note", "alpha.log", "y" * 50, tags=["b"], custom={"score": True})
    return place


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["alpha.log", "gamma.log", "beta.md", "Alpha.md"]),
        ({"limit": 2}, ["alpha.log", "gamma.log"]),
        ({"limit": 0}, []),
        ({"tags": ["a"]}, ["gamma.log", "beta.md", "Alpha.md"]),
        ({"tags": ["a", "b"]}, ["gamma.log"]),
        ({"tags": ["none"]}, []),
        ({"type": "note"}, ["alpha.log", "beta.md", "Alpha.md"]),
        ({"type": "note", "tags": ["a"]}, ["beta.md", "Alpha.md"]),
        ({"name_pattern": "alpha"}, ["alpha.log", "Alpha.md"]),
        ({"name_pattern": "*.MD"}, ["beta.md", "Alpha.md"]),
        ({"name_pattern": "?????.md"}, ["Alpha.md"]),
        ({"name_pattern": "[ab]*"}, []),
        ({"min_size": 50}, ["alpha.log", "beta.md"]),
        ({"min_size": 50, "max_size": 99}, ["alpha.log"]),
        ({"max_size": 13}, ["gamma.log", "Alpha.md"]),
        ({"custom": {"score": 1}}, ["Alpha.md"]),
        ({"custom": {"score": True}}, ["alpha.log"]),
        ({"custom": {"by": {"n": "ann"}, "score": 2}}, ["beta.md"]),
        ({"text": "QUICK"}, ["beta.md", "Alpha.md"]),
        ({"text": "gamma"}, ["gamma.log"]),
    ],
)
def test_queries(library: Place, query: dict[str, Any], found: list[str]) -> None:
    assert names(library, **query) == found


def test_times_are_exclusive(library: Place) -> None:
    times = [each.created_at for each in library.artifacts.query()]
    assert names(library, created_after=times[1]) == ["alpha.log"]
    assert names(library, created_before=times[2]) == ["Alpha.md"]
    assert names(library, created_after=times[3], created_before=times[0], tags=["a"]) == ["gamma.log", "beta.md"]
    assert names(library, created_after=2**60) == names(library, created_before=-(2**60)) == []


def test_one_session_or_all(library: Place) -> None:
    assert names(library, session_id=library.id) == ["beta.md", "Alpha.md"]
    assert names(library, session_id=library.id, tags=["draft"]) == ["Alpha.md"]
    with pytest.raises(NotFound):
        library.artifacts.query(session_id="nope")
    with pytest.raises(BadArgument):
        library.artifacts.query(limit=-1)


def test_listing_in_order_of_sequence(library: Place) -> None:
    listed = library.artifacts.list(library.id)
    assert [each.sequence for each in listed] == [1, 2]
    assert [each.name for each in library.artifacts.list(library.id, tags=["draft"])] == ["Alpha.md"]
    assert [each.name for each in library.artifacts.list(library.id, type="note", limit=1)] == ["Alpha.md"]
    assert [each.name for each in library.artifacts.list(library.id, name="beta.md")] == ["beta.md"]


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not name_matcher("*a" * 100 + "b")("a" * 255)


LABELS = st.sampled_from("abcd")


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.tuples(st.sets(LABELS), LABELS, st.integers(0, 2)), max_size=40),
    st.sets(LABELS, max_size=3), st.none() | LABELS, st.none() | st.integers(0, 2), st.none() | st.integers(0, 5),
)  # fmt: skip
def test_indexes_give_what_a_look_at_everything_gives(
    made: list[tuple[set[str], str, int]], tags: set[str], type: str | None, session: int | None, limit: int | None
) -> None:
    place = Place(MemoryStore())
    ids = [place.id, place.sessions.create(), place.sessions.create()]
    stored = []
    for number, (own, kind, owner) in enumerate(made):
        place.clock.now += number % 3
        stored.append(place.artifacts.store(ids[owner], kind, f"n{number}", "x", tags=sorted(own)))
        if number % 4 == 3:
            place.artifacts.delete(stored[-2].session_id, stored.pop(-2))
    expected = [
        each
        for each in sorted(stored, key=lambda each: (each.created_at, each.session, each.sequence), reverse=True)
        if tags <= set(each.tags) and type in (None, each.type) and (session is None or each.session_id == ids[session])
    ]
    found = place.artifacts.query(
        tags=sorted(tags), type=type, session_id=None if session is None else ids[session], limit=limit
    )
    assert [each.id for each in found] == [each.id for each in expected[:limit]]
