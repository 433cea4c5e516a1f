"""Agents that keep themselves, also over crashes and in several processes."""

import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from llmspell.agents.agent import PersistentAgent, PersistentAgentBase
from llmspell.agents.message import ToolCall
from llmspell.agents.state import ExecutionState, PersistentAgentState
from llmspell.agents.states import AgentStates
from llmspell.errors import BadArgument, Conflict, InvalidTransition, StorageFull
from llmspell.state.manager import StateManager
from tests.agents.test_conversation import contents, say
from tests.agents.test_states import load


class Guide(PersistentAgentBase):
    agent_type = "guide"


class Clerk(PersistentAgentBase):
    agent_type = "clerk"


def test_it_saves_when_it_starts_pauses_resumes_and_stops(agents: AgentStates) -> None:
    guide = Guide(agents, "ada", configuration={"model": "small"})
    assert agents.load("ada") is None
    for step, expected in (
        (guide.start, "running"), (guide.pause, "paused"), (guide.resume, "running"), (guide.pause, "paused"),
        (guide.stop, "stopped"), (guide.start, "running"), (guide.stop, "stopped"),
    ):  # fmt: skip
        guide.remember("user", expected)
        said = len(guide.state.history)
        if expected == "running" and guide.state.execution_state == "stopped":
            said -= 1  # it goes on from what is stored
        step()
        stored = load(agents)
        assert stored.execution_state == expected
        assert stored.configuration == {"model": "small"}
        assert len(stored.history) == said


def test_it_goes_on_where_it_stopped(agents: AgentStates) -> None:
    with Guide(agents, "ada", configuration={"model": "small"}) as guide:
        guide.remember("user", "Hi", metadata={"channel": 1})
        with guide.using("map"):
            guide.remember("assistant", tool_calls=[ToolCall("1", "map", {"x": 1})])
        guide.remember("tool", {"tiles": 4}, tool_call_id="1")
        guide.state.metadata["mood"] = "calm"
    with Guide(agents, "ada", configuration={"model": "ignored"}) as again:
        assert again.state == load(agents)
        assert [message.role for message in again.state.history] == ["user", "assistant", "tool"]
        assert again.state.history[1].tool_calls == (ToolCall("1", "map", {"x": 1}),)
        assert again.state.history[2].tool_call_id == "1"
        assert again.state.configuration == {"model": "small"}
        assert again.state.tools["map"].successes == 1
        assert again.state.metadata == {"mood": "calm"}
        assert not again.was_interrupted


def test_an_error_is_saved_with_everything_so_far_and_goes_on_its_way(agents: AgentStates) -> None:
    with pytest.raises(ZeroDivisionError), Guide(agents, "ada") as guide:
        guide.remember("user", "Hi")
        with guide.using("calculator"):
            1 / 0  # noqa: B018
    stored = load(agents)
    assert (stored.execution_state, stored.error) == (ExecutionState.ERROR, "ZeroDivisionError: division by zero")
    assert contents(stored.history) == ["Hi"]
    assert stored.tools["calculator"].last_error == "division by zero"
    with Guide(agents, "ada") as guide:
        assert load(agents).error is None
        assert not guide.was_interrupted
    guide.start()
    guide.fail("out of money")
    assert load(agents).error == "out of money"


def test_an_error_that_cannot_be_saved_hides_nothing(agents: AgentStates, state: StateManager) -> None:
    def full(_: object) -> None:
        raise StorageFull("the disk is full")

    with pytest.raises(ZeroDivisionError) as caught, Guide(agents, "ada"):
        state.participants.append(full)
        raise ZeroDivisionError("first")
    assert caught.value.__notes__ == ["and the state of agent 'ada' was not saved: the disk is full"]


def test_a_step_that_cannot_be_saved_is_not_taken(agents: AgentStates, state: StateManager) -> None:
    def full(_: object) -> None:
        raise StorageFull("the disk is full")

    guide = Guide(agents, "ada")
    guide.start()
    guide.remember("user", "Hi")
    state.participants.append(full)
    with pytest.raises(StorageFull):
        guide.stop()
    state.participants.clear()
    assert guide.state.execution_state is ExecutionState.RUNNING
    guide.stop()
    assert contents(load(agents).history) == ["Hi"]


@pytest.mark.parametrize(
    ("steps", "illegal"),
    [
        ("", "pause"), ("", "resume"), ("start", "start"), ("start", "resume"), ("start pause", "pause"),
        ("start stop", "stop"), ("start stop", "pause"), ("start stop", "resume"), ("start stop", "fail"),
    ],
)  # fmt: skip
def test_an_illegal_step_is_refused_and_changes_nothing(steps: str, illegal: str, agents: AgentStates) -> None:
    guide = Guide(agents, "ada")
    for step in steps.split():
        getattr(guide, step)()
    before = guide.state.execution_state
    with pytest.raises(InvalidTransition, match=f"the agent 'ada' is {before}, so it cannot {illegal}"):
        guide.fail("no") if illegal == "fail" else getattr(guide, illegal)()
    assert guide.state.execution_state is before


def test_starting_without_loading_begins_afresh(agents: AgentStates) -> None:
    with Guide(agents, "ada") as guide:
        guide.remember("user", "old")
    fresh = Guide(agents, "ada")
    fresh.start(load=False)
    fresh.remember("user", "new")
    fresh.stop()
    assert contents(load(agents).history) == ["new"]


def test_another_type_of_agent_is_not_loaded(agents: AgentStates) -> None:
    with Guide(agents, "ada"):
        pass
    with pytest.raises(BadArgument, match="the agent 'ada' is stored as a 'guide', not as a 'clerk'"):
        Clerk(agents, "ada").start()


def test_what_an_operator_changes_meanwhile_stays_and_reaches_the_agent(agents: AgentStates) -> None:
    with Guide(agents, "ada", configuration={"model": "small"}) as guide:
        agents.update("ada", lambda state: state.configuration.update(model="large"))
        agents.append("ada", *say("note"))
        guide.remember("user", "Hi")
        guide.save()
        assert guide.state.configuration == {"model": "large"}
        assert contents(guide.state.history) == ["note", "Hi"]


def test_an_agent_that_was_deleted_meanwhile_is_not_brought_back(agents: AgentStates) -> None:
    with pytest.raises(Conflict, match="the agent 'ada' was deleted meanwhile"), Guide(agents, "ada") as guide:
        guide.remember("user", "Hi")
        agents.delete("ada")
    assert agents.load("ada") is None


def test_a_class_can_put_its_own_things_into_the_record(agents: AgentStates) -> None:
    class Counter(PersistentAgentBase):
        agent_type = "counter"
        seen = 0

        def capture(self) -> PersistentAgentState:
            self.state.metadata["seen"] = self.seen
            return super().capture()

        def restore(self, state: PersistentAgentState) -> None:
            super().restore(state)
            self.seen = state.metadata["seen"]

    with Counter(agents, "c") as counter:
        counter.seen = 41
    with Counter(agents, "c") as counter:
        counter.seen += 1
    assert load(agents, "c").metadata == {"seen": 42}


def test_any_object_that_keeps_the_protocol_can_be_kept(agents: AgentStates) -> None:
    class Plain:
        agent_id = "plain"
        agent_type = "own"

        def __init__(self) -> None:
            self.state = PersistentAgentState("plain", "own")

        def capture(self) -> PersistentAgentState:
            return self.state

        def restore(self, state: PersistentAgentState) -> None:
            self.state = state

    plain = Plain()
    assert isinstance(plain, PersistentAgent)
    assert isinstance(Guide(agents, "ada"), PersistentAgent)
    assert not isinstance(object(), PersistentAgent)
    assert not agents.restore(plain)
    plain.state.say("user", "Hi")
    agents.persist(plain)
    other = Plain()
    assert agents.restore(other)
    assert contents(other.state.history) == ["Hi"]


def test_many_threads_may_use_one_agent(agents: AgentStates) -> None:
    errors: list[BaseException] = []

    def work(guide: Guide, name: int) -> None:
        try:
            for turn in range(30):
                guide.remember("user", f"{name} {turn}")
                with guide.using("map"):
                    pass
                if turn % 10 == 0:
                    guide.save()
        except BaseException as error:
            errors.append(error)

    with Guide(agents, "ada") as guide:
        threads = [threading.Thread(target=work, args=(guide, name)) for name in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    stored = load(agents)
    assert len(stored.history) == 180
    assert stored.tools["map"].successes == 180
    for name in range(6):
        mine = [text for text in contents(stored.history) if text.startswith(f"{name} ")]
        assert mine == [f"{name} {turn}" for turn in range(30)]


TALKER = """
import os, sys
from llmspell import AgentStates, PersistentAgentBase, StateManager
path, name, turns = sys.argv[1], sys.argv[2], int(sys.argv[3])
with StateManager.with_backend("lmdb", path=path) as state, PersistentAgentBase(AgentStates(state), "ada") as agent:
    for turn in range(turns):
        agent.remember("user", f"{name} {turn}")
        with agent.using("map"):
            agent.state.metadata[name] = turn
        agent.save()
        print(turn, flush=True)
"""


def talk(path: Path, name: str, turns: int) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", TALKER, str(path), name, str(turns)], stdout=subprocess.PIPE, encoding="utf-8"
    )


def test_two_processes_with_one_agent_lose_nothing(tmp_path: Path) -> None:
    with talk(tmp_path, "one", 40) as one, talk(tmp_path, "two", 40) as two:
        for process in (one, two):
            assert process.stdout is not None
            assert process.stdout.read().split() == [str(turn) for turn in range(40)]
            assert process.wait() == 0
    with StateManager.with_backend("lmdb", path=tmp_path) as state:
        stored = load(AgentStates(state))
        assert stored.metadata == {"one": 39, "two": 39}
        assert stored.tools["map"].successes == 80
        said: list[Any] = contents(stored.history)
        for name in ("one", "two"):
            assert [text for text in said if text.startswith(name)] == [f"{name} {turn}" for turn in range(40)]


class Slow(Guide):
    """Another process makes the agent after this one has found none."""

    def __init__(self, agents: AgentStates, agent_id: str) -> None:
        super().__init__(agents, agent_id)
        self.other: Guide | None = Guide(agents, agent_id)

    def capture(self) -> PersistentAgentState:
        other, self.other = self.other, None
        if other is not None:
            other.start()
            other.remember("user", "Hello")
            other.save()
        return super().capture()


def test_the_second_of_two_that_start_a_new_agent_goes_on_from_the_first(agents: AgentStates) -> None:
    slow = Slow(agents, "ada")
    slow.start()
    assert contents(slow.state.history) == ["Hello"]
    assert contents(load(agents).history) == ["Hello"]
    slow.remember("user", "Again")
    slow.stop()
    assert contents(load(agents).history) == ["Hello", "Again"]


@pytest.mark.parametrize("after", [1, 7, 20])
def test_a_process_that_is_killed_loses_what_was_not_saved_and_nothing_else(after: int, tmp_path: Path) -> None:
    saved = -1
    with talk(tmp_path, "one", 100_000) as process:
        assert process.stdout is not None
        for _ in range(after):
            saved = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        saved = max([saved, *map(int, process.stdout.read().split())])
    with StateManager.with_backend("lmdb", path=tmp_path) as state:
        agents = AgentStates(state)
        stored = load(agents)
        turns = len(stored.history)
        # The save after the last one that was told of may have been made, in whole.
        assert turns in (saved + 1, saved + 2)
        assert contents(stored.history) == [f"one {turn}" for turn in range(turns)]
        assert stored.metadata == {"one": turns - 1}
        assert stored.tools["map"].successes == turns
        assert stored.execution_state is ExecutionState.RUNNING
        with PersistentAgentBase(agents, "ada") as again:
            assert again.was_interrupted
        assert not Guide(agents, "new").was_interrupted
        with PersistentAgentBase(agents, "ada") as again:
            assert not again.was_interrupted
