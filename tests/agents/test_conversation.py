"""Conversations: sequences that read only what is looked at."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmspell.agents.conversation import PAGE, Conversation
from llmspell.agents.message import Message
from llmspell.agents.states import AgentStates
from llmspell.errors import NotFound, SchemaError
from llmspell.state.manager import StateManager


def say(*contents: Any) -> list[Message]:
    return [Message("user", content, at=0) for content in contents]


def contents(messages: Any) -> list[Any]:
    return [message.content for message in messages]


@given(st.integers(0, 9), st.integers(0, 9), st.integers(-1, 20), st.slices(18), st.integers(-20, 20))
def test_it_is_the_list_of_its_messages(stored: int, added: int, dropped: int, part: slice, index: int) -> None:
    talk = Conversation(say(*range(stored)))
    kept = say(*range(stored))
    talk.bind(5, 5 + stored, lambda start, stop: kept[start - 5 : stop - 5])
    talk.extend(say(*range(stored, stored + added)))
    talk.drop_oldest(dropped)
    model = list(range(stored + added))[max(dropped, 0) :]
    assert len(talk) == len(model)
    assert contents(talk) == model
    assert contents(reversed(talk)) == model[::-1]
    assert contents(talk[part]) == model[part]
    if -len(model) <= index < len(model):
        assert talk[index].content == model[index]
        assert talk[index] in talk
    else:
        with pytest.raises(IndexError):
            talk[index]
    assert talk == Conversation(say(*model))
    assert talk != Conversation(say(*model, "more"))


def test_only_what_is_looked_at_is_read(agents: AgentStates, state: StateManager) -> None:
    ada = agents.create("ada", "guide")
    ada.history.extend(say(*range(1000)))
    agents.save(ada)
    ada = agents.load("ada")
    assert ada is not None
    reads: list[tuple[int, int]] = []
    read = ada.history._read
    assert read is not None
    ada.history._read = lambda start, stop: reads.append((start, stop)) or read(start, stop)
    assert len(ada.history) == 1000
    ada.history.append(*say("new"))
    assert ada.history[-1].content == "new"
    assert reads == []
    assert contents(ada.history[-3:]) == [998, 999, "new"]
    assert ada.history[0].content == 0
    assert reads == [(999, 1001), (1, 2)]
    reads.clear()
    assert next(iter(ada.history)).content == 0
    assert next(reversed(ada.history)).content == "new"
    assert reads == [(1, 1 + PAGE), (1001 + 1 - PAGE, 1001)]
    assert contents(ada.history) == [*range(1000), "new"]


def test_a_message_that_another_writer_has_dropped_is_not_found(agents: AgentStates) -> None:
    ada = agents.create("ada", "guide")
    ada.history.extend(say(*range(5)))
    agents.save(ada)
    old = agents.load("ada")
    assert old is not None
    agents.update("ada", lambda state: state.history.drop_oldest(2))
    assert contents(old.history[2:]) == [2, 3, 4]
    with pytest.raises(NotFound, match="message 1 of agent 'ada' is not there any more"):
        list(old.history)


def test_only_messages_get_in() -> None:
    with pytest.raises(SchemaError, match="holds messages, not 'Hello'"):
        Conversation(["Hello"])  # type: ignore[list-item]
