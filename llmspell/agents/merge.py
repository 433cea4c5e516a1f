"""Merging: what one writer changed in an agent's record goes on top of what another has stored meanwhile."""

from typing import Any

from llmspell import values

_COUNTS = ("successes", "failures")
_EXECUTION = ("execution_state", "error")


def merge(base: dict[Any, Any], mine: dict[Any, Any], theirs: dict[Any, Any]) -> dict[Any, Any]:
    """The record `theirs` with the changes from `base` to `mine`; all three without history.

    Counts of tool uses add up. Maps are merged key by key, so only where both have changed the same value mine wins.
    Execution state and error belong together: they are mine when I have changed either.
    """
    merged = merge_maps(base, mine, theirs)
    execution = mine if any(_differ(base.get(name), mine.get(name)) for name in _EXECUTION) else theirs
    for name in _EXECUTION:
        if name in execution:
            merged[name] = execution[name]
        else:
            merged.pop(name, None)
    if "tools" in merged:
        merged["tools"] = {name: _add_up(name, usage, base, mine, theirs) for name, usage in merged["tools"].items()}
    merged["schema_version"] = max(mine["schema_version"], theirs["schema_version"])
    return merged


def merge_maps(base: dict[Any, Any], mine: dict[Any, Any], theirs: dict[Any, Any]) -> dict[Any, Any]:
    """`theirs` with every key that differs between `base` and `mine` as it is in `mine`; maps within maps likewise."""
    merged = dict(theirs)
    for key in {**base, **mine}:
        before, here, there = base.get(key), mine.get(key), theirs.get(key)
        if type(here) is dict and type(there) is dict:
            merged[key] = merge_maps(before if type(before) is dict else {}, here, there)
        elif key not in mine:
            merged.pop(key, None)
        elif key not in base or _differ(before, here):
            merged[key] = here
    return merged


def _add_up(name: str, merged: dict[Any, Any], *sides: dict[Any, Any]) -> dict[Any, Any]:
    """The usage of a tool with the counts of both; `sides` are base, mine and theirs."""
    base, mine, theirs = (side.get("tools", {}).get(name, {}) for side in sides)
    total = dict(merged)
    for count in _COUNTS:
        # Who has taken the tool away and begun afresh may be below the count from before.
        total[count] = max(mine.get(count, 0) + theirs.get(count, 0) - base.get(count, 0), 0)
    times = [side["last_used_at"] for side in (mine, theirs) if "last_used_at" in side]
    if times:
        total["last_used_at"] = max(times)
    return total


def _differ(one: object, other: object) -> bool:
    """Whether two values are stored differently: 1 and 1.0 are."""
    return values.encode(one) != values.encode(other)
