"""`PersistentAgentState`: everything that is kept of an agent."""

from copy import deepcopy
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from llmspell.agents.conversation import Conversation
from llmspell.agents.document import Document, assemble, check_map, check_text, check_time, check_value, describe
from llmspell.agents.message import Message
from llmspell.errors import SchemaError
from llmspell.state import moment
from llmspell.state.manager import now_micros
from llmspell.state.scope import Scope

SCHEMA_VERSION = 1


class ExecutionState(StrEnum):
    """What an agent is doing."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    ERROR = "error"


@dataclass(slots=True)
class ToolUsage:
    """How often an agent used a tool, when last (µs since 1970), and how it last failed."""

    successes: int = 0
    failures: int = 0
    last_used_at: int | None = None
    last_error: str | None = None
    extra: dict[Any, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How often it was used."""
        return self.successes + self.failures

    def to_value(self) -> dict[Any, Any]:
        """The usage as a value."""
        known = {
            "successes": self.successes,
            "failures": self.failures,
            "last_used_at": None if self.last_used_at is None else moment.text(self.last_used_at),
            "last_error": self.last_error,
        }
        return assemble(known, self.extra)

    @classmethod
    def from_value(cls, value: object, *, path: str = "$") -> Self:
        """The usage of a value. Raises SchemaError."""
        document = Document(value, path)
        return cls(
            successes=document.whole("successes", least=0),
            failures=document.whole("failures", least=0),
            last_used_at=document.time("last_used_at", None),
            last_error=document.text("last_error", None),
            extra=document.rest,
        )


class Origin:
    """What was stored of a record, without its history, when it was loaded or saved.

    `stored` is the payload as it was found, `header` what this version makes of it, without `updated_at`; `dropped` the
    number of the newest message that was ever dropped.
    """

    __slots__ = ("dropped", "header", "stored", "updated_at")

    def __init__(self, stored: bytes, header: bytes, dropped: int, updated_at: int) -> None:
        self.stored = stored
        self.header = header
        self.dropped = dropped
        self.updated_at = updated_at


@dataclass(slots=True)
class PersistentAgentState:
    """Everything that is kept of an agent. A working copy: what is changed in it is stored by `AgentStates`.

    `configuration` and `metadata` hold any values; `tools` the usage of each tool under its name; `error` says why the
    execution state is what it is; times are µs since 1970; `extra` has fields of later versions, which are kept.

    >>> state = PersistentAgentState("ada", "guide", configuration={"model": "small"})
    >>> state.say("user", "Where is the castle?", at=0)
    >>> state.count_tool("map", at=0)
    >>> PersistentAgentState.from_value(state.to_value()) == state
    True
    """

    agent_id: str
    agent_type: str
    history: Conversation = field(default_factory=Conversation)
    configuration: dict[str, Any] = field(default_factory=dict)
    tools: dict[str, ToolUsage] = field(default_factory=dict)
    execution_state: ExecutionState = ExecutionState.IDLE
    error: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
    created_at: int = field(default_factory=now_micros)
    updated_at: int = field(default_factory=now_micros)
    extra: dict[Any, Any] = field(default_factory=dict)
    origin: Origin | None = field(default=None, repr=False, compare=False)
    """Of a loaded one; `AgentStates` compares with it what others have stored meanwhile."""

    def __post_init__(self) -> None:
        check_text(self.agent_type, "the type of an agent")
        if type(self.agent_id) is not str:
            raise SchemaError(f"the id of an agent must be text, got {describe(self.agent_id)}")
        Scope.agent(self.agent_id)

    def say(self, role: str, content: Any = None, *, at: int | None = None, **fields: Any) -> None:
        """Add a message to the history; `fields` are those of Message."""
        self.history.append(Message(role, content, now_micros() if at is None else at, **fields))

    def count_tool(self, name: str, *, error: str | None = None, at: int | None = None) -> None:
        """Count one use of a tool, a failure when there is an `error`."""
        check_text(name, "the name of a tool")
        usage = self.tools.setdefault(name, ToolUsage())
        usage.last_used_at = now_micros() if at is None else at
        if error is None:
            usage.successes += 1
        else:
            usage.failures += 1
            usage.last_error = error or "unknown"

    def to_value(self) -> dict[Any, Any]:
        """The whole as one value, with all of the history. Its parts are those of this record, not copies."""
        return self.header() | {"history": [message.to_value() for message in self.history]}

    def header(self) -> dict[Any, Any]:
        """The value without the history. Raises SchemaError when it breaks a rule."""
        check_time(self.created_at, "created_at")
        check_time(self.updated_at, "updated_at")
        for name in ("configuration", "tools", "metadata"):
            check_map(getattr(self, name), name)
        known = {
            "agent_id": self.agent_id,
            "agent_type": self.agent_type,
            "configuration": self.configuration,
            "tools": {name: self._usage(name).to_value() for name in self.tools},
            "execution_state": str(self.execution_state),
            "error": self.error,
            "metadata": self.metadata,
            "schema_version": self.schema_version,
            "created_at": moment.text(self.created_at),
            "updated_at": moment.text(self.updated_at),
        }
        return assemble(known | {"history": None}, self.extra)

    def _usage(self, name: str) -> ToolUsage:
        usage = self.tools[name]
        if not isinstance(usage, ToolUsage):
            raise SchemaError(f"the usage of tool '{name}' must be a ToolUsage, got {describe(usage)}")
        return usage

    @classmethod
    def from_value(cls, value: object, *, path: str = "$") -> Self:
        """The record of a value, with copies of its parts. Raises SchemaError, which names the path."""
        check_value(value, path)
        document = Document(deepcopy(value), path)
        return cls(
            agent_id=document.text("agent_id"),
            agent_type=document.text("agent_type"),
            history=Conversation(
                Message.from_value(message, path=f"{path}.history[{i}]")
                for i, message in enumerate(document.list("history"))
            ),
            configuration=document.map("configuration"),
            tools={
                check_text(name, f"the name of a tool in {path}.tools"): ToolUsage.from_value(
                    usage, path=f"{path}.tools.{name}"
                )
                for name, usage in document.map("tools").items()
            },
            execution_state=document.choice("execution_state", ExecutionState),
            error=document.text("error", None),
            metadata=document.map("metadata"),
            schema_version=document.whole("schema_version", least=1),
            created_at=document.time("created_at"),
            updated_at=document.time("updated_at"),
            extra=document.rest,
        )
