"""Configurations and modifications of replays: what they mean and what they refuse."""

from typing import Any

import pytest

from llmspell.errors import BadArgument
from llmspell.hooks.hook import Execution
from llmspell.replay import path
from llmspell.replay.config import Modification, ReplayConfig, read_modifications


def execution(at: int = 0, hook: str = "guard", point: str = "BeforeStateWrite") -> Execution:
    return Execution(
        point=point, hook=hook, hook_id="", language="lua", context=b"", result=b"", at=at, duration=0.0, error="",
        correlation_id="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("data.new_value", ["data", "new_value"]), ("$.data.items[2].name", ["data", "items", 2, "name"]),
        ("data.items.2", ["data", "items", 2]), ('data["a key"].x', ["data", "a key", "x"]), ('$["a\\"b\\\\"]', ['a"b\\']),
        ("$[1]", [1]), ("data[-1]", ["data", -1]), ("größe", ["größe"]),
    ],
)  # fmt: skip
def test_paths_are_read(text: str, steps: list[Any]) -> None:
    assert path.parse(text) == steps


@pytest.mark.parametrize("text", [
    "", "$", ".a", "a.", "a..b", "a b", "a[", "a[x]", "a]", 'a["x]', "a[1]b", "$a.b.", "a" * 2000, "a-b",
    "[99999999999999999999]",
])  # fmt: skip
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(BadArgument):
        path.parse(text)


def test_values_are_put_where_a_path_leads() -> None:
    def put(tree: Any, text: str, first_index: int = 0) -> Any:
        return tree if path.replace(tree, path.parse(text), "new", first_index) else None

    assert put({"a": {"b": 1}}, "a.b") == {"a": {"b": "new"}}
    assert put({"a": {}}, "a.c") == {"a": {"c": "new"}}
    assert put({"a": [1, 2]}, "a[1]") == {"a": [1, "new"]}
    assert put({"a": [1, 2]}, "a[1]", 1) == {"a": ["new", 2]}
    assert put({"a": [1]}, "a[1]") == {"a": [1, "new"]}
    assert put({"a": {3: 1}}, "a[3]") == {"a": {3: "new"}}
    for text in ("x.y", "a.b.c", "a[5]", "a[-1]"):
        assert put({"a": [1, 2]}, text) is None


@pytest.mark.parametrize(
    "text", ["data.x", "context.data.x", "$.data.x", "metadata.a", "correlation_id", "component_id.name"]
)
def test_modifications_lead_into_the_context(text: str) -> None:
    assert Modification(text, 1).steps[0] in ("data", "metadata", "correlation_id", "component_id")


@pytest.mark.parametrize("text", ["point", "language", "context", "context.point", "x.data", "[1]"])
def test_other_paths_are_no_modifications(text: str) -> None:
    with pytest.raises(BadArgument, match="leads to nothing that can be modified"):
        Modification(text, 1)


def test_modifications_are_read_from_lists_and_maps() -> None:
    found = read_modifications([{"path": "data.a", "value": 1}, {"path": "data.b", "enabled": False}])
    assert [(each.path, each.value, each.is_enabled) for each in found] == [
        ("data.a", 1, True),
        ("data.b", None, False),
    ]
    assert [each.value for each in read_modifications({"data.a": 5})] == [5]
    assert read_modifications(None) == read_modifications([]) == read_modifications({}) == []


@pytest.mark.parametrize("given", [
    "data.a", 5, [5], [{}], [{"value": 1}], [{"path": "data.a", "enabled": "no"}], [{"path": "data.a", "to": 1}], [{"path": 5}],
    {1: 2}, {"nowhere": 1},
])  # fmt: skip
def test_what_is_no_modification_is_refused(given: Any) -> None:
    with pytest.raises(BadArgument):
        read_modifications(given)


def test_the_mode_says_whether_results_are_compared() -> None:
    assert [ReplayConfig(mode).compare for mode in ("exact", "modified", "simulate", "debug")] == [
        True,
        True,
        False,
        True,
    ]
    assert ReplayConfig("simulate", compare=True).compare
    assert not ReplayConfig("exact", compare=False).compare


def test_modifications_belong_to_the_modes_that_change_something() -> None:
    given = [Modification("data.a", 1)]
    assert ReplayConfig("modified", modifications=given).enabled_modifications() == given
    assert ReplayConfig("simulate", modifications=given).enabled_modifications() == given
    for mode in ("exact", "debug"):
        with pytest.raises(BadArgument, match="without modifications"):
            ReplayConfig(mode, modifications=given).enabled_modifications()
    given[0].is_enabled = False
    assert ReplayConfig("exact", modifications=given).enabled_modifications() == []


def test_bounds_are_numbers_or_times_and_inclusive() -> None:
    config = ReplayConfig(first=2, last=4)
    assert [config.fits(seq, execution()) for seq in range(1, 6)] == [False, True, True, True, False]
    config = ReplayConfig(first="2026-11-24T09:00:00Z", last=1795597200)
    start = 1795510800 * 10**6
    assert [config.fits(1, execution(at)) for at in (start - 1, start, 1795597200 * 10**6, 1795597200 * 10**6 + 1)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_the_filter_is_a_pattern_on_name_or_point() -> None:
    def fits(pattern: str, **given: str) -> bool:
        return ReplayConfig(hook_filter=pattern).fits(1, execution(**given))  # type: ignore[arg-type]

    assert fits("guard")
    assert fits("gu*")
    assert fits("*StateWrite")
    assert not fits("guar")
    assert not fits("After*", hook="x")


@pytest.mark.parametrize("given", [
    {"mode": "fast"}, {"timeout": 0}, {"timeout": -1}, {"timeout": float("nan")}, {"timeout": 1e9}, {"first": -1}, {"first": 1.5},
    {"last": "yesterday"},
])  # fmt: skip
def test_what_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BadArgument):
        ReplayConfig(**given)
