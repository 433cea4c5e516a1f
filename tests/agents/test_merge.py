"""Merging two changes of one record."""

from copy import deepcopy
from typing import Any

from hypothesis import given

from llmspell import values
from llmspell.agents.merge import merge, merge_maps
from llmspell.agents.state import PersistentAgentState
from tests.agents import conftest


def header(state: PersistentAgentState) -> dict[Any, Any]:
    return values.decode(values.encode(state.header()))


@given(conftest.states, conftest.states)
def test_with_one_who_changed_nothing_it_is_what_the_other_made(
    base: PersistentAgentState, changed: PersistentAgentState
) -> None:
    changed.schema_version = base.schema_version
    before, after = header(base), header(changed)
    copies = deepcopy((before, after))
    # Counts only grow, and so does the time of the last use, or they were replaced with the tool.
    del before["tools"]
    assert merge(before, before, after) == after
    assert merge(before, after, before) == after
    assert after == copies[1]


@given(conftest.maps, conftest.maps, conftest.maps)
def test_maps_take_what_only_one_has_changed(base: Any, mine: Any, theirs: Any) -> None:
    copies = deepcopy((base, mine, theirs))
    merged = merge_maps(base, mine, theirs)
    assert (base, mine, theirs) == copies
    for key in {*base, *mine, *theirs}:
        here, there, before = (side.get(key, side) for side in (mine, theirs, base))
        if type(here) is dict and type(there) is dict and key in mine and key in theirs:
            continue
        is_mine = (key in mine) != (key in base) or (key in mine and values.encode(here) != values.encode(before))
        source = mine if is_mine else theirs
        assert (key in merged) == (key in source)
        if key in merged:
            assert values.encode(merged[key]) == values.encode(source[key])


def test_counts_of_both_add_up_also_for_a_tool_that_is_new_to_both() -> None:
    base = {"schema_version": 1, "execution_state": "idle", "tools": {"map": {"successes": 5, "failures": 1}}}
    mine = base | {"tools": {"map": {"successes": 7, "failures": 1}, "new": {"successes": 1, "failures": 0}}}
    theirs = base | {"tools": {"map": {"successes": 6, "failures": 4}, "new": {"successes": 2, "failures": 1}}}
    assert merge(base, mine, theirs)["tools"] == {
        "map": {"successes": 8, "failures": 4},
        "new": {"successes": 3, "failures": 1},
    }


def test_a_state_of_execution_never_gets_the_error_of_another() -> None:
    base = {"schema_version": 1, "execution_state": "running"}
    stopped = base | {"execution_state": "stopped"}
    broken = base | {"execution_state": "error", "error": "it broke"}
    assert merge(base, stopped, broken) == stopped
    assert merge(base, broken, stopped) == broken
    assert merge(broken, base, broken) == base


def test_the_later_schema_version_stays() -> None:
    base = {"schema_version": 1, "execution_state": "idle"}
    assert merge(base, base, base | {"schema_version": 3})["schema_version"] == 3
    assert merge(base, base | {"schema_version": 2}, base | {"schema_version": 3})["schema_version"] == 3
