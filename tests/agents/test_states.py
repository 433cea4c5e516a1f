"""Agents in the store: what is written, what others wrote, and what somebody else put there."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from llmspell import values
from llmspell.agents.conversation import Conversation
from llmspell.agents.message import Message
from llmspell.agents.state import ExecutionState, PersistentAgentState, ToolUsage
from llmspell.agents.states import AgentStates
from llmspell.errors import (
    BadArgument,
    BadValue,
    Conflict,
    InvalidScope,
    NotFound,
    SchemaError,
    StorageFull,
    ValueTooLarge,
)
from llmspell.state.manager import StateManager
from llmspell.storage.memory import MemoryStore
from tests.agents import conftest
from tests.agents.test_conversation import contents, say


def load(agents: AgentStates, agent_id: str = "ada") -> PersistentAgentState:
    state = agents.load(agent_id)
    assert state is not None
    return state


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(conftest.states, conftest.states)
def test_what_was_saved_is_loaded_exactly(state: PersistentAgentState, other: PersistentAgentState) -> None:
    agents = AgentStates(StateManager(MemoryStore()))
    other.agent_id = state.agent_id
    for saved in (state, other):
        agents.save(saved)
        read = load(agents, state.agent_id)
        assert read == saved
        assert values.encode(read.to_value()) == values.encode(saved.to_value())


class TestLayout:
    """What lies where, and what a save costs."""

    def test_the_record_is_one_value_and_every_message_another(self, agents: AgentStates, state: StateManager) -> None:
        ada = agents.create("ada", "guide", configuration={"model": "small"})
        ada.say("user", "Hi", at=0)
        ada.say("assistant", {"text": "Hello"}, at=1_000_000)
        agents.save(ada)
        assert state.list_keys("agent:ada") == [
            "agent.message.000000000001", "agent.message.000000000002", "agent.state",
        ]  # fmt: skip
        assert state.get("agent:ada", "agent.message.000000000002") == {
            "role": "assistant", "content": {"text": "Hello"}, "at": "1970-01-01T00:00:01.000000Z",
        }  # fmt: skip
        record = state.get("agent:ada", "agent.state")
        assert record["configuration"] == {"model": "small"}
        assert "history" not in record

    def test_saving_a_turn_writes_the_new_messages_and_nothing_else(
        self, agents: AgentStates, state: StateManager
    ) -> None:
        ada = agents.create("ada", "guide", metadata={"long": "x" * 10_000})
        for turn in range(3):
            ada.history.extend(say(f"question {turn}", f"answer {turn}"))
            before = state.version()
            agents.save(ada)
            changed = [change.key for change in state.changes(since=before)[0]]
            assert changed == [f"agent.message.{turn * 2 + place:012}" for place in (1, 2)]
        before = state.version()
        agents.save(ada)
        assert state.version() == before
        agents.append("ada", *say("one more"))
        assert [change.key for change in state.changes(since=before)[0]] == ["agent.message.000000000007"]

    def test_a_changed_record_is_written_in_one_commit_with_its_messages(
        self, agents: AgentStates, state: StateManager
    ) -> None:
        ada = agents.create("ada", "guide")
        ada.say("user", "Hi")
        ada.metadata["mood"] = "calm"
        agents.save(ada)
        assert state.version() == 2
        assert load(agents) == ada

    def test_what_a_script_keeps_in_the_scope_is_left_alone(self, agents: AgentStates, state: StateManager) -> None:
        state.set("agent:ada", "agentless", 1)
        state.set("agent:ada", "notes", 2)
        state.set("agent:bob", "notes", 2)
        agents.create("ada", "guide")
        assert agents.list_ids() == ["ada"]
        assert agents.delete("ada")
        assert not agents.delete("ada")
        assert state.list_keys("agent:ada") == ["agentless", "notes"]
        assert agents.list_ids() == []

    def test_dropped_messages_go_and_their_numbers_are_not_used_again(
        self, agents: AgentStates, state: StateManager
    ) -> None:
        ada = agents.create("ada", "guide")
        ada.history.extend(say(*range(1200)))
        agents.save(ada)
        ada.history.drop_oldest(1100)
        agents.save(ada)
        assert state.count("agent:ada", prefix="agent.message.") == 100
        assert contents(load(agents).history) == list(range(1100, 1200))
        ada.history.clear()
        agents.save(ada)
        assert state.count("agent:ada", prefix="agent.message.") == 0
        assert len(load(agents).history) == 0
        agents.append("ada", *say("again"))
        assert state.list_keys("agent:ada", prefix="agent.message.") == ["agent.message.000000001201"]
        again = load(agents)
        again.say("user", "more")
        agents.save(again)
        assert contents(load(agents).history) == ["again", "more"]
        again.history.clear()
        again.say("user", "fresh", at=0)
        agents.save(again)
        assert contents(load(agents).history) == ["fresh"]

    def test_a_message_of_any_length_of_conversation_costs_the_same(
        self, agents: AgentStates, state: StateManager
    ) -> None:
        ada = agents.create("ada", "guide")
        ada.history.extend(say(*range(500)))
        agents.save(ada)

        def cost() -> int:
            before = state.metrics.writes + state.metrics.reads
            ada.say("user", "x")
            agents.save(ada)
            return state.metrics.writes + state.metrics.reads - before

        first = cost()
        ada.history.extend(say(*range(500)))
        agents.save(ada)
        assert cost() == first

    def test_times_are_those_of_the_store(self, state: StateManager) -> None:
        now = [1_700_000_000_000_000]
        state.clock = lambda: now[0]
        agents = AgentStates(state)
        ada = agents.create("ada", "guide")
        assert ada.created_at == ada.updated_at == now[0]
        now[0] += 5
        ada.say("user", "Hi")
        agents.save(ada)
        assert (ada.created_at, ada.updated_at) == (now[0] - 5, now[0])
        assert (load(agents).created_at, load(agents).updated_at) == (now[0] - 5, now[0])
        now[0] += 5
        agents.save(ada)
        assert load(agents).updated_at == now[0] - 5
        ada.metadata["k"] = 1
        agents.save(ada)
        assert load(agents).updated_at == ada.updated_at == now[0]


class TestSave:
    """What others have written stays."""

    def test_two_copies_merge(self, agents: AgentStates) -> None:
        agents.save(
            PersistentAgentState(
                "ada", "guide", configuration={"model": "small", "limits": {"words": 10, "calls": 5}, "old": 1},
                metadata={"mood": "calm"}, tools={"map": ToolUsage(5, 1, 10)},
            )
        )  # fmt: skip
        mine, theirs = load(agents), load(agents)
        theirs.configuration["limits"]["words"] = 20
        theirs.configuration["new"] = [1]
        theirs.metadata["mood"] = "glad"
        theirs.count_tool("map", at=50)
        theirs.count_tool("search", at=50, error="offline")
        theirs.say("user", "theirs")
        agents.save(theirs)
        mine.configuration["limits"]["calls"] = 6
        del mine.configuration["old"]
        mine.metadata["mood"] = "tired"
        mine.execution_state = ExecutionState.RUNNING
        mine.count_tool("map", at=40, error="no tiles")
        mine.count_tool("search", at=60)
        mine.say("user", "mine")
        agents.save(mine)
        for merged in (mine, load(agents)):
            assert merged.configuration == {"model": "small", "limits": {"words": 20, "calls": 6}, "new": [1]}
            assert merged.metadata == {"mood": "tired"}
            assert merged.execution_state is ExecutionState.RUNNING
            assert merged.tools["map"] == ToolUsage(6, 2, 50, "no tiles")
            assert merged.tools["search"] == ToolUsage(1, 1, 60, "offline")
            assert contents(merged.history) == ["theirs", "mine"]

    def test_a_copy_that_changed_nothing_takes_what_others_did(self, agents: AgentStates, state: StateManager) -> None:
        agents.create("ada", "guide")
        mine, theirs = load(agents), load(agents)
        theirs.metadata["k"] = 1
        theirs.execution_state, theirs.error = ExecutionState.ERROR, "broken"
        theirs.extra["later"] = True
        agents.save(theirs)
        before = state.version()
        agents.save(mine)
        assert state.version() == before
        assert (mine.metadata, mine.error, mine.extra) == ({"k": 1}, "broken", {"later": True})
        mine.execution_state, mine.error = ExecutionState.RUNNING, None
        agents.save(mine)
        assert (load(agents).execution_state, load(agents).error) == (ExecutionState.RUNNING, None)

    def test_a_change_of_kind_alone_is_a_change(self, agents: AgentStates) -> None:
        agents.create("ada", "guide", metadata={"n": 1})
        ada = load(agents)
        ada.metadata["n"] = 1.0
        agents.save(ada)
        assert type(load(agents).metadata["n"]) is float

    def test_dropping_what_another_dropped_too_keeps_what_was_added(self, agents: AgentStates) -> None:
        ada = agents.create("ada", "guide")
        ada.history.extend(say(*range(6)))
        agents.save(ada)
        one, two = load(agents), load(agents)
        one.history.drop_oldest(4)
        agents.save(one)
        two.history.drop_oldest(2)
        two.history.extend(say("two"))
        agents.save(two)
        assert contents(two.history) == contents(load(agents).history) == [4, 5, "two"]

    def test_clearing_does_not_take_what_nobody_has_seen(self, agents: AgentStates) -> None:
        ada = agents.create("ada", "guide")
        ada.history.extend(say(1, 2))
        agents.save(ada)
        agents.append("ada", *say(3))
        ada.history.clear()
        agents.save(ada)
        assert contents(load(agents).history) == [3]

    def test_a_deleted_agent_is_not_brought_back_by_accident(self, agents: AgentStates) -> None:
        ada = agents.create("ada", "guide")
        agents.delete("ada")
        ada.say("user", "Hi")
        with pytest.raises(Conflict, match="the agent 'ada' was deleted meanwhile"):
            agents.save(ada)
        assert agents.load("ada") is None
        agents.save(replace(ada, origin=None))
        assert contents(load(agents).history) == ["Hi"]

    def test_one_that_was_made_replaces_the_stored_one_and_keeps_common_messages(
        self, agents: AgentStates, state: StateManager
    ) -> None:
        history = say("a", "b")
        agents.save(PersistentAgentState("ada", "guide", Conversation(history), metadata={"k": 1}))
        before = state.version()
        agents.save(PersistentAgentState("ada", "guide", Conversation([*history, *say("c")]), metadata={"l": 1}))
        keys = [change.key for change in state.changes(since=before)[0]]
        assert sorted(keys) == ["agent.message.000000000003", "agent.state"]
        assert load(agents).metadata == {"l": 1}
        agents.save(PersistentAgentState("ada", "guide", Conversation(say("x", "b"))))
        assert contents(load(agents).history) == ["x", "b"]

    def test_a_save_that_fails_leaves_store_and_record_as_they_were(
        self, agents: AgentStates, state: StateManager, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada = agents.create("ada", "guide")
        ada.say("user", "good")
        ada.metadata["bad"] = float("nan")
        with pytest.raises(BadValue):
            agents.save(ada)
        ada.metadata["bad"] = 5
        ada.say("user", {1, 2})
        with pytest.raises(BadValue, match="cannot store a set"):
            agents.save(ada)
        assert load(agents).metadata == {}
        assert len(load(agents).history) == 0
        ada.history.added.pop()
        agents.save(ada)
        assert load(agents) == ada
        ada.say("user", "x" * 20_000_000)
        with pytest.raises(ValueTooLarge):
            agents.save(ada)
        ada.history.added.pop()
        ada.say("user", "last")

        def full(_: object) -> None:
            raise StorageFull("the disk is full")

        state.participants.append(full)
        with pytest.raises(StorageFull):
            agents.save(ada)
        state.participants.clear()
        agents.save(ada)
        assert contents(load(agents).history) == ["good", "last"]

    def test_it_joins_a_transaction(self, agents: AgentStates, state: StateManager) -> None:
        with pytest.raises(ZeroDivisionError), state.transaction():
            agents.create("ada", "guide")
            agents.append("ada", *say("Hi"))
            assert contents(load(agents).history) == ["Hi"]
            raise ZeroDivisionError
        assert agents.load("ada") is None


class TestUpdate:
    """Read, copy, update."""

    def test_it_stores_what_the_function_changed(self, agents: AgentStates) -> None:
        agents.create("ada", "guide")

        def change(state: PersistentAgentState) -> None:
            state.say("user", "Hi", at=0)
            state.metadata["turns"] = len(state.history)

        given = agents.update("ada", change)
        assert given == load(agents)
        assert given.metadata == {"turns": 1}

    def test_it_stores_another_record_that_the_function_gives(self, agents: AgentStates) -> None:
        ada = agents.create("ada", "guide")
        ada.say("user", "Hi", at=0)
        agents.save(ada)
        agents.update("ada", lambda state: replace(state, agent_type="clerk", metadata={"k": 1}))
        assert (load(agents).agent_type, load(agents).metadata) == ("clerk", {"k": 1})
        assert contents(load(agents).history) == ["Hi"]

    def test_nothing_is_stored_when_it_raises(self, agents: AgentStates, state: StateManager) -> None:
        agents.create("ada", "guide")
        before = state.version()

        def fail(state: PersistentAgentState) -> None:
            state.say("user", "Hi")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            agents.update("ada", fail)
        with pytest.raises(ZeroDivisionError):
            agents.update("new", fail, agent_type="guide")
        assert state.version() == before

    def test_it_makes_an_agent_only_when_told_what(self, agents: AgentStates) -> None:
        with pytest.raises(NotFound, match="there is no agent 'ada'"):
            agents.update("ada", lambda _: None)
        agents.update("ada", lambda state: state.say("user", "Hi"), agent_type="guide")
        assert (load(agents).agent_type, len(load(agents).history)) == ("guide", 1)

    def test_what_is_no_state_of_this_agent_is_refused(self, agents: AgentStates) -> None:
        agents.create("ada", "guide")
        for wrong in (5, PersistentAgentState("bob", "guide")):
            with pytest.raises(BadArgument, match="the update of agent 'ada' must give its state"):
                agents.update("ada", lambda _, wrong=wrong: wrong)  # type: ignore[misc]

    def test_threads_that_hammer_one_agent_lose_nothing(self, agents: AgentStates, state: StateManager) -> None:
        agents.create("ada", "guide", metadata={"n": 0})
        errors: list[BaseException] = []

        def hammer(name: int) -> None:
            try:
                mine = AgentStates(state)
                copy = load(mine)
                for turn in range(25):
                    mine.update("ada", lambda state: state.metadata.update(n=state.metadata["n"] + 1))
                    mine.append("ada", *say(f"{name} append {turn}"))
                    copy.say("user", f"{name} save {turn}")
                    copy.count_tool(f"tool {turn % 3}", error="no" if turn % 5 == 0 else None)
                    copy.metadata[f"from {name}"] = turn
                    mine.save(copy)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=hammer, args=(name,)) for name in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        ada = load(agents)
        assert ada.metadata == {"n": 150} | {f"from {name}": 24 for name in range(6)}
        assert sum(usage.successes for usage in ada.tools.values()) == 6 * 20
        assert sum(usage.failures for usage in ada.tools.values()) == 6 * 5
        said = contents(ada.history)
        assert sorted(said) == sorted(
            f"{n} {how} {t}" for n in range(6) for how in ("append", "save") for t in range(25)
        )
        for name in range(6):
            assert [text for text in said if text.startswith(f"{name} save")] == [f"{name} save {t}" for t in range(25)]


class TestHostile:
    """What somebody else has put where agents are kept."""

    @pytest.mark.parametrize(
        ("record", "sentence"),
        [
            (5, "the record of agent 'ada': $ must be a map, got 5"),
            ({}, "the record of agent 'ada': $.agent_id is missing"),
            ({"agent_id": "bob"}, "the record of agent 'ada' is that of 'bob'"),
            ({"execution_state": "asleep"}, "the record of agent 'ada': $.execution_state must be one of"),
            ({"dropped_messages": -1}, "the record of agent 'ada': $.dropped_messages must be the number of a message"),
            (
                {"dropped_messages": 10**12},
                "the record of agent 'ada': $.dropped_messages must be the number of a message",
            ),
        ],
    )
    def test_a_record_that_is_none(self, record: Any, sentence: str, agents: AgentStates, state: StateManager) -> None:
        made = agents.create("ada", "guide")
        good = state.get("agent:ada", "agent.state")
        state.set("agent:ada", "agent.state", good | record if isinstance(record, dict) and record else record)
        for use in (
            lambda: agents.load("ada"),
            lambda: agents.save(made),
            lambda: agents.update("ada", lambda _: None),
            lambda: agents.append("ada", *say("Hi")),
        ):
            with pytest.raises(SchemaError) as caught:
                use()
            assert sentence in caught.value.message
        assert agents.delete("ada")

    def test_a_record_that_a_script_wrote_in_its_own_way_is_read(
        self, agents: AgentStates, state: StateManager
    ) -> None:
        ada = agents.create("ada", "guide", metadata={"b": 1, "a": 2})
        good = state.get("agent:ada", "agent.state")
        payload = b" " + values.dump_json(dict(reversed(good.items())))[1:]
        state.save("agent:ada", "agent.state", payload)
        assert load(agents).metadata == {"b": 1, "a": 2}
        ada.metadata["c"] = 3
        agents.save(ada)
        assert load(agents).metadata == {"b": 1, "a": 2, "c": 3}

    @pytest.mark.parametrize("number", ["x", "1", "00000000000x", "000000000000", "0000000000001", "-00000000001"])
    def test_a_key_that_is_no_number(self, number: str, agents: AgentStates, state: StateManager) -> None:
        agents.create("ada", "guide")
        state.set("agent:ada", f"agent.message.{number}", 1)
        with pytest.raises(SchemaError, match="is no number of a message"):
            agents.load("ada")

    def test_a_message_that_is_none_is_named(self, agents: AgentStates, state: StateManager) -> None:
        ada = agents.create("ada", "guide")
        ada.history.extend(say(1, 2, 3))
        agents.save(ada)
        state.set("agent:ada", "agent.message.000000000002", {"role": "user", "at": "soon"})
        ada = load(agents)
        assert ada.history[-1].content == 3
        with pytest.raises(SchemaError, match=r"message 2 of agent 'ada': \$.at must be a time"):
            list(ada.history)
        state.delete("agent:ada", "agent.message.000000000002")
        with pytest.raises(NotFound, match="message 2 of agent 'ada' is not there any more"):
            list(ada.history)

    def test_a_last_number_ends_it_without_an_endless_loop(self, agents: AgentStates, state: StateManager) -> None:
        agents.create("ada", "guide")
        state.set("agent:ada", "agent.message.999999999999", Message("user", at=0).to_value())
        with pytest.raises(Exception, match="there are no more numbers"):
            agents.append("ada", *say("Hi"))
        ada = load(agents)
        ada.history.clear()
        agents.save(ada)
        assert len(load(agents).history) == 0

    @pytest.mark.parametrize("agent_id", ["", "a\nb", "x" * 500])
    def test_an_impossible_id(self, agent_id: str, agents: AgentStates) -> None:
        for use in (agents.load, agents.delete, lambda id: agents.create(id, "guide")):
            with pytest.raises(InvalidScope):
                use(agent_id)


def test_an_agent_is_made_once(agents: AgentStates) -> None:
    agents.create("ada", "guide")
    with pytest.raises(Conflict, match="there is an agent 'ada' already"):
        agents.create("ada", "guide")


def test_ids_are_listed_in_order_also_strange_ones(agents: AgentStates) -> None:
    for agent_id in ("b", "a:b", "a", "ä b"):
        agents.create(agent_id, "guide")
    assert agents.list_ids() == ["a", "a:b", "b", "ä b"]
    assert agents.list_ids(prefix="a") == ["a", "a:b"]
