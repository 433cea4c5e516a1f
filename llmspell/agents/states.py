"""`AgentStates`: the agents that a state holds."""

from collections.abc import Callable
from typing import Any

from llmspell.agents.agent import PersistentAgent
from llmspell.agents.document import describe
from llmspell.agents.message import Message
from llmspell.agents.shelf import HEADER, OURS, Shelf
from llmspell.agents.state import PersistentAgentState
from llmspell.errors import BadArgument, NotFound
from llmspell.state.manager import StateManager
from llmspell.state.scope import Scope


class AgentStates:
    """Loads, changes and stores what is kept of agents, each in its scope `agent:<id>`.

    The record without its history is one value, `agent.state`; every message has a key of its own. So saving a turn costs
    the same however long the conversation is, and a long one is never read as a whole unless somebody asks for it.
    Scripts can read all of it. Safe with many threads and processes: `update` loses nothing, and `save` merges.

    >>> agents = AgentStates(StateManager.with_backend("memory"))
    >>> ada = agents.create("ada", "guide", configuration={"model": "small"})
    >>> ada.say("user", "Where is the castle?")
    >>> agents.save(ada)
    >>> agents.update("ada", lambda state: state.count_tool("map")).tools["map"].count
    1
    >>> [message.content for message in agents.load("ada").history[-5:]]
    ['Where is the castle?']
    """

    def __init__(self, state: StateManager) -> None:
        self._state = state

    def create(
        self, agent_id: str, agent_type: str, *, configuration: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> PersistentAgentState:  # fmt: skip
        """A new agent, stored. Raises Conflict when there is one with this id."""
        now = self._state.clock()
        made = PersistentAgentState(
            agent_id,
            agent_type,
            configuration=configuration or {},
            metadata=metadata or {},
            created_at=now,
            updated_at=now,
        )
        self.save(made, must_be_new=True)
        return made

    def load(self, agent_id: str) -> PersistentAgentState | None:
        """What is stored of an agent, or None. Its messages are read when they are looked at."""
        return Shelf(self._state, agent_id).load()

    def save(self, state: PersistentAgentState, *, must_be_new: bool = False) -> None:
        """Store what has been changed, and added to the history, since `state` was loaded or saved; one commit.

        What others have stored meanwhile stays, and is in `state` afterwards: counts add up, maps are merged key by key,
        messages follow theirs; where both changed the same value this one wins. A state that was not loaded, but made,
        replaces what is stored; with `must_be_new` it raises Conflict when there is something. Raises Conflict when the
        agent has been deleted meanwhile. When an outer transaction is undone afterwards, load the state again.
        """
        Shelf(self._state, state.agent_id).save(state, must_be_new=must_be_new)

    def update(
        self, agent_id: str, fn: Callable[[PersistentAgentState], PersistentAgentState | None], *,
        agent_type: str | None = None,
    ) -> PersistentAgentState:  # fmt: skip
        """Read, copy, update: `fn` changes the copy that it gets, or gives another one; that is stored, and returned.

        Atomic across threads and processes: nobody else writes while `fn` runs, for at most the state's time limit for
        transactions. Nothing is stored when it raises. Raises NotFound when there is no such agent, unless `agent_type`
        says what to make it.
        """
        with self._state.transaction():
            state = self.load(agent_id)
            if state is None:
                if agent_type is None:
                    raise NotFound(f"there is no agent '{agent_id}'", hint="create it first, or name its agent_type")
                state = self.create(agent_id, agent_type)
            given: object = fn(state)
            changed = state if given is None else given
            if not isinstance(changed, PersistentAgentState) or changed.agent_id != agent_id:
                raise BadArgument(f"the update of agent '{agent_id}' must give its state, got {describe(changed)}")
            self.save(changed)
        return changed

    def append(self, agent_id: str, *messages: Message) -> None:
        """Add messages to the history, without reading or writing anything else of the agent; one commit.

        Raises NotFound when there is no such agent.
        """
        Shelf(self._state, agent_id).append(messages)

    def delete(self, agent_id: str) -> bool:
        """Remove an agent's record with its history, in one commit; whether there was any. Other keys of its scope stay."""
        return self._state.clear(Scope.agent(agent_id), prefix=OURS) > 0

    def list_ids(self, *, prefix: str = "") -> list[str]:
        """The ids of all agents, in byte order."""
        scopes = self._state.list_scopes(prefix=f"agent:{prefix}")
        return [scope.removeprefix("agent:") for scope in scopes if self._state.exists(scope, HEADER)]

    def persist(self, agent: PersistentAgent, *, must_be_new: bool = False) -> None:
        """Store what an agent captures of itself, as `save` does."""
        self.save(agent.capture(), must_be_new=must_be_new)

    def restore(self, agent: PersistentAgent) -> bool:
        """Give an agent what is stored of it; False, and nothing given, when there is nothing."""
        state = self.load(agent.agent_id)
        if state is not None:
            agent.restore(state)
        return state is not None
