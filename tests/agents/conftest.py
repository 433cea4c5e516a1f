"""What the tests of agents share: an agent store over the `store` of each back end, and generated records."""

from typing import Any

import pytest
from hypothesis import strategies as st

from llmspell.agents.conversation import Conversation
from llmspell.agents.message import Message, ToolCall
from llmspell.agents.state import ExecutionState, PersistentAgentState, ToolUsage
from llmspell.agents.states import AgentStates
from llmspell.state.manager import StateManager
from llmspell.state.moment import LATEST
from llmspell.storage.store import Store


@pytest.fixture
def state(store: Store) -> StateManager:
    return StateManager(store)


@pytest.fixture
def agents(state: StateManager) -> AgentStates:
    return AgentStates(state)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
word = text.filter(bool)
identifier = st.text("abcÄ:/ -.0", min_size=1, max_size=8)
whole = st.integers(-(2**63), 2**63 - 1)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | whole | st.floats(allow_nan=False, allow_infinity=False) | text | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text | whole, inner, max_size=3),
    max_leaves=6,
)
maps = st.dictionaries(text, values, max_size=3)
times = st.integers(0, LATEST)


def extra(*known: str) -> st.SearchStrategy[dict[Any, Any]]:
    """Fields of a later version: any but the known ones."""
    return st.dictionaries(text.filter(lambda name: name not in known), values, max_size=2)


calls = st.builds(ToolCall, word, word, values, extra("id", "name", "arguments"))
MESSAGE_FIELDS = ("role", "content", "at", "metadata", "tool_calls", "tool_call_id")
messages = st.builds(
    Message, word, values, times, maps, st.lists(calls, max_size=2), st.none() | word, extra(*MESSAGE_FIELDS)
)
usages = st.builds(
    ToolUsage,
    st.integers(0, 2**62),
    st.integers(0, 2**62),
    st.none() | times,
    st.none() | word,
    extra("successes", "failures", "last_used_at", "last_error"),
)
STATE_FIELDS = (
    "agent_id", "agent_type", "history", "configuration", "tools", "execution_state", "error", "metadata",
    "schema_version", "created_at", "updated_at", "dropped_messages",
)  # fmt: skip
states = st.builds(
    PersistentAgentState,
    agent_id=identifier,
    agent_type=word,
    history=st.builds(Conversation, st.lists(messages, max_size=4)),
    configuration=maps,
    tools=st.dictionaries(word, usages, max_size=2),
    execution_state=st.sampled_from(ExecutionState),
    error=st.none() | word,
    metadata=maps,
    schema_version=st.integers(1, 2**63 - 1),
    created_at=times,
    updated_at=times,
    extra=extra(*STATE_FIELDS),
)
