"""Agents that can be kept: what they must offer, and a base class that keeps itself."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, Protocol, Self, runtime_checkable

from llmspell.agents.message import Message, ToolCall
from llmspell.agents.state import ExecutionState, PersistentAgentState
from llmspell.errors import BadArgument, Conflict, InvalidTransition, LlmspellError

if TYPE_CHECKING:
    from types import TracebackType

    from llmspell.agents.states import AgentStates

_STEPS = {
    "start": (ExecutionState.IDLE, ExecutionState.PAUSED, ExecutionState.STOPPED, ExecutionState.ERROR),
    "pause": (ExecutionState.RUNNING,),
    "resume": (ExecutionState.PAUSED,),
    "stop": (ExecutionState.IDLE, ExecutionState.RUNNING, ExecutionState.PAUSED, ExecutionState.ERROR),
    "fail": (ExecutionState.IDLE, ExecutionState.RUNNING, ExecutionState.PAUSED),
}
"""From which execution states each step may be taken."""


@runtime_checkable
class PersistentAgent(Protocol):
    """What `AgentStates.persist` and `restore` ask of an agent, whatever class it is."""

    @property
    def agent_id(self) -> str:
        """Names it among all agents."""

    @property
    def agent_type(self) -> str:
        """What kind of agent it is."""

    def capture(self) -> PersistentAgentState:
        """What is to be kept of it. Give the same object as before, so that only what has changed is stored."""

    def restore(self, state: PersistentAgentState) -> None:
        """Go on from what was kept."""


class PersistentAgentBase:
    """An agent that keeps itself: it loads what there is when it starts, and saves when it pauses, stops or fails.

    `state` is its working copy; what is changed in it is stored at the next save, or `save()` at any time: saving a turn
    costs the same however long the conversation is. In a `with` block it is started, and then stopped, or failed when the
    block raises. A process that is killed loses what was not saved, and nothing else; the next start says so in
    `was_interrupted`. The methods here may be called from many threads; whoever changes `state` itself takes `lock`.

    >>> from llmspell import AgentStates, StateManager
    >>> class Guide(PersistentAgentBase):
    ...     agent_type = "guide"
    ...     def ask(self, question):
    ...         self.remember("user", question)
    ...         return self.remember("assistant", f"You asked: {question}").content
    >>> agents = AgentStates(StateManager.with_backend("memory"))
    >>> with Guide(agents, "ada") as guide:
    ...     guide.ask("Where is the castle?")
    'You asked: Where is the castle?'
    >>> with Guide(agents, "ada") as guide:
    ...     len(guide.state.history)
    2
    """

    agent_type = "agent"

    def __init__(self, states: "AgentStates", agent_id: str, *, configuration: dict[str, Any] | None = None) -> None:
        """`configuration` is for an agent that is not stored yet."""
        self.lock = RLock()
        self.state = PersistentAgentState(agent_id, self.agent_type, configuration=dict(configuration or {}))
        self.was_interrupted = False
        """Whether the run before this one was not stopped: it was killed, or still goes on elsewhere."""
        self._states = states

    @property
    def agent_id(self) -> str:
        """Names it among all agents."""
        return self.state.agent_id

    def capture(self) -> PersistentAgentState:
        """What is to be kept. Override it to put what else the agent knows into `metadata` first."""
        return self.state

    def restore(self, state: PersistentAgentState) -> None:
        """Go on from what was kept. Override it to take out again what `capture` put in.

        Raises BadArgument when it is the state of another type of agent.
        """
        if state.agent_type != self.agent_type:
            raise BadArgument(
                f"the agent '{state.agent_id}' is stored as a '{state.agent_type}', not as a '{self.agent_type}'",
                hint="load it with the class of that type, or choose another id",
            )
        self.state = state

    def start(self, *, load: bool = True) -> None:
        """Begin to run, from what is stored unless `load` is false; saves. Raises InvalidTransition when it runs.

        Without `load`, what is stored is replaced. Of two processes that start the same new agent at once, the second
        goes on from what the first has stored.
        """
        with self.lock:
            self._check("start")
            is_known = load and self._restore()
            try:
                self._go(ExecutionState.RUNNING, must_be_new=load and not is_known)
            except Conflict:
                if not load or is_known or not self._restore():
                    raise
                self._go(ExecutionState.RUNNING)

    def pause(self) -> None:
        """Save, as paused. Raises InvalidTransition unless it runs."""
        self._step("pause", ExecutionState.PAUSED)

    def resume(self) -> None:
        """Run again after a pause; saves. Raises InvalidTransition unless it is paused."""
        self._step("resume", ExecutionState.RUNNING)

    def stop(self) -> None:
        """Save, as stopped. Raises InvalidTransition when it is stopped already."""
        self._step("stop", ExecutionState.STOPPED)

    def fail(self, error: BaseException | str) -> None:
        """Save, as broken off by `error`, of which the text is kept."""
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}".removesuffix(": ")
        with self.lock:
            self._check("fail")
            self._go(ExecutionState.ERROR, text)

    def save(self) -> None:
        """Store what has changed since the last save; afterwards `state` has what others have changed, too."""
        with self.lock:
            self._states.persist(self)

    def remember(
        self,
        role: str,
        content: Any = None,
        *,
        metadata: dict[str, Any] | None = None,
        tool_calls: Sequence[ToolCall] = (),
        tool_call_id: str | None = None,
    ) -> Message:
        """Add a message to the history; the message."""
        message = Message(role, content, metadata=metadata or {}, tool_calls=tool_calls, tool_call_id=tool_call_id)
        with self.lock:
            self.state.history.append(message)
        return message

    @contextmanager
    def using(self, tool: str) -> Iterator[None]:
        """Count a use of a tool: a success, or a failure with its text when the block raises."""
        try:
            yield
        except BaseException as error:
            with self.lock:
                self.state.count_tool(tool, error=str(error) or type(error).__name__)
            raise
        with self.lock:
            self.state.count_tool(tool)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        if error is None:
            if self.state.execution_state is not ExecutionState.STOPPED:
                self.stop()
            return
        try:
            self.fail(error)
        except LlmspellError as problem:
            # What went wrong first is what its author must see.
            error.add_note(f"and the state of agent '{self.agent_id}' was not saved: {problem}")

    def _step(self, name: str, to: ExecutionState) -> None:
        with self.lock:
            self._check(name)
            self._go(to)

    def _check(self, step: str) -> None:
        now = self.state.execution_state
        if now not in _STEPS[step]:
            raise InvalidTransition(f"the agent '{self.agent_id}' is {now}, so it cannot {step}")

    def _restore(self) -> bool:
        is_stored = self._states.restore(self)
        if is_stored:
            self.was_interrupted = self.state.execution_state is ExecutionState.RUNNING
        return is_stored

    def _go(self, to: ExecutionState, error: str | None = None, *, must_be_new: bool = False) -> None:
        """Save with another execution state; when that fails it stays what it was."""
        before = self.state.execution_state, self.state.error
        self.state.execution_state, self.state.error = to, error
        try:
            self._states.persist(self, must_be_new=must_be_new)
        except BaseException:
            self.state.execution_state, self.state.error = before
            raise
