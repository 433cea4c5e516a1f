"""The record of an agent as a value: there and back without a difference, and nothing that is none gets in."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell import values
from llmspell.agents.message import Message, ToolCall
from llmspell.agents.state import ExecutionState, PersistentAgentState, ToolUsage
from llmspell.errors import InvalidScope, LlmspellError, SchemaError
from tests.agents import conftest


@given(conftest.states)
def test_a_record_survives_being_stored_exactly(state: PersistentAgentState) -> None:
    payload = values.encode(state.to_value())
    read = PersistentAgentState.from_value(values.decode(payload))
    assert read == state
    assert values.encode(read.to_value()) == payload


@given(conftest.messages)
def test_a_message_survives_exactly(message: Message) -> None:
    payload = values.encode(message.to_value())
    read = Message.from_value(values.decode(payload))
    assert read == message
    assert values.encode(read.to_value()) == payload


@given(conftest.states, st.data())
def test_any_change_of_a_stored_record_is_read_or_refused_with_a_schema_error(
    state: PersistentAgentState, data: st.DataObject
) -> None:
    value = values.decode(values.encode(state.to_value()))
    place: Any = value
    while True:
        key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(conftest.values)
    try:
        read = PersistentAgentState.from_value(value)
    except (SchemaError, InvalidScope):
        return
    assert PersistentAgentState.from_value(read.to_value()) == read


@given(conftest.values)
def test_any_other_value_is_refused_with_a_schema_error(value: Any) -> None:
    for reader in (PersistentAgentState, Message, ToolUsage, ToolCall):
        with pytest.raises(SchemaError):
            reader.from_value(value)


GOOD: dict[str, Any] = {
    "agent_id": "ada",
    "agent_type": "guide",
    "execution_state": "idle",
    "schema_version": 1,
    "created_at": "2026-01-31T12:00:00.000001Z",
    "updated_at": "2026-01-31T12:00:00.000001Z",
}
AT = {"at": "2026-01-31T12:00:00Z"}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"agent_id": None}, "$.agent_id is missing"),
        ({"agent_type": ""}, "$.agent_type must be text that is not empty, got ''"),
        ({"agent_type": 5}, "$.agent_type must be text that is not empty, got 5"),
        ({"execution_state": "asleep"}, "$.execution_state must be one of idle, running, paused, stopped, error, got 'asleep'"),
        ({"execution_state": ["idle"]}, "$.execution_state must be one of idle, running, paused, stopped, error, got a list"),
        ({"schema_version": 0}, "$.schema_version must be a whole number from 1, got 0"),
        ({"schema_version": True}, "$.schema_version must be a whole number from 1, got True"),
        ({"schema_version": 1.0}, "$.schema_version must be a whole number from 1, got 1.0"),
        ({"created_at": 5}, "$.created_at must be a time as RFC 3339 text, from 1970 on, got 5"),
        ({"created_at": "yesterday"}, "$.created_at must be a time as RFC 3339 text, from 1970 on, got 'yesterday'"),
        ({"updated_at": "1969-12-31T00:00:00Z"}, "from 1970 on, got '1969-12-31T00:00:00Z'"),
        ({"configuration": []}, "$.configuration must be a map, got a list"),
        ({"metadata": "x" * 100}, "$.metadata must be a map, got text ('xxx"),
        ({"history": {}}, "$.history must be a list, got a map"),
        ({"history": [{"role": "user", **AT}, {"role": 5, **AT}]}, "$.history[1].role must be text"),
        ({"history": [{"role": "user"}]}, "$.history[0].at is missing"),
        ({"history": [{"role": "user", "tool_calls": [{"id": "1"}], **AT}]}, "$.history[0].tool_calls[0].name is missing"),
        ({"tools": {"map": 5}}, "$.tools.map must be a map, got 5"),
        ({"tools": {"map": {"successes": -1, "failures": 0}}}, "$.tools.map.successes must be a whole number from 0, got -1"),
        ({"tools": {7: {}}}, "the name of a tool in $.tools must be text that is not empty, got 7"),
        ({"error": b"x"}, "$.error must be text that is not empty, got bytes"),
        ({"later": float("nan")}, "the number at $.later is not finite"),
        ({"later": (1, {2})}, "cannot store a set (at $.later[1])"),
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused_with_path_and_rule(change: dict[str, Any], sentence: str) -> None:
    assert PersistentAgentState.from_value(GOOD).agent_id == "ada"
    with pytest.raises(SchemaError) as caught:
        PersistentAgentState.from_value(GOOD | change)
    assert sentence in caught.value.message


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    with pytest.raises(SchemaError, match="nested deeper"):
        PersistentAgentState.from_value(GOOD | {"metadata": {"deep": deep}})


def test_a_record_does_not_share_its_parts_with_the_value_it_was_made_from() -> None:
    value = GOOD | {"metadata": {"seen": []}}
    state = PersistentAgentState.from_value(value)
    state.metadata["seen"].append(1)
    assert value["metadata"] == {"seen": []}


def test_fields_of_a_later_version_are_kept_wherever_they_stand() -> None:
    value = GOOD | {
        "schema_version": 7,
        "mood": {"calm": 0.5},
        "history": [{"role": "user", "stars": 5, "tool_calls": [{"id": "1", "name": "map", "cost": 3}], **AT}],
        "tools": {"map": {"successes": 1, "failures": 0, "seconds": 1.5}},
    }
    again = PersistentAgentState.from_value(value).to_value()
    assert again["mood"] == {"calm": 0.5}
    assert again["schema_version"] == 7
    assert again["history"][0]["stars"] == 5
    assert again["history"][0]["tool_calls"][0]["cost"] == 3
    assert again["tools"]["map"]["seconds"] == 1.5


@pytest.mark.parametrize(
    "make",
    [
        lambda: Message(""),
        lambda: Message("user", at=-1),
        lambda: Message("user", at=1.5),  # type: ignore[arg-type]
        lambda: Message("user", metadata=[]),  # type: ignore[arg-type]
        lambda: Message("user", tool_calls=[{"id": "1", "name": "map"}]),  # type: ignore[list-item]
        lambda: Message("tool", tool_call_id=""),
        lambda: ToolCall("", "map"),
        lambda: ToolCall("1", 5),  # type: ignore[arg-type]
        lambda: PersistentAgentState("ada", ""),
        lambda: PersistentAgentState(5, "guide"),  # type: ignore[arg-type]
        lambda: PersistentAgentState("", "guide"),
        lambda: PersistentAgentState("ada", "guide", extra={"history": []}).to_value(),
        lambda: PersistentAgentState("ada", "guide", extra={"error": 5}).to_value(),
        lambda: PersistentAgentState("ada", "guide", tools={"map": {}}).to_value(),  # type: ignore[dict-item]
        lambda: PersistentAgentState("ada", "guide").count_tool(""),
        lambda: PersistentAgentState("ada", "guide").history.append("Hello"),  # type: ignore[arg-type]
    ],
)
def test_python_cannot_make_one_that_could_not_be_read_again(make: Callable[[], object]) -> None:
    with pytest.raises(LlmspellError) as caught:
        make()
    assert caught.value.code in ("schema", "invalid_scope")


def test_tool_usage_counts_successes_and_failures() -> None:
    state = PersistentAgentState("ada", "guide")
    state.count_tool("map", at=5)
    state.count_tool("map", at=6, error="no tiles")
    state.count_tool("map", at=7)
    usage = state.tools["map"]
    assert (usage.count, usage.successes, usage.failures, usage.last_used_at, usage.last_error) == (
        3,
        2,
        1,
        7,
        "no tiles",
    )


def test_execution_states_are_their_words() -> None:
    assert [str(state) for state in ExecutionState] == ["idle", "running", "paused", "stopped", "error"]
