"""Messages: what was said in a conversation, and the tool calls in it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from llmspell.agents.document import Document, assemble, check_map, check_text, check_time, check_value, describe
from llmspell.errors import SchemaError
from llmspell.state import moment
from llmspell.state.manager import now_micros


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that a message asks for. `arguments` is any value; `extra` has fields of later versions."""

    id: str
    name: str
    arguments: Any = None
    extra: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_text(self.id, "the id of a tool call")
        check_text(self.name, "the name of a tool")

    def to_value(self) -> dict[str, Any]:
        """The tool call as a value."""
        return assemble({"id": self.id, "name": self.name, "arguments": self.arguments}, self.extra)

    @classmethod
    def from_value(cls, value: object, *, path: str = "$") -> Self:
        """The tool call of a value. Raises SchemaError."""
        document = Document(value, path)
        return cls(document.text("id"), document.text("name"), document.value("arguments"), document.rest)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation. It never changes once it is made, and `content` is not to be changed either.

    `role` is system, user, assistant, tool, or any other text; `content` any value; `at` µs since 1970; `tool_call_id`
    says which call this is the result of; `extra` has fields of later versions. Raises SchemaError for what is none.

    >>> question = Message("user", "Where is the castle?", at=0)
    >>> Message.from_value(question.to_value()) == question
    True
    """

    role: str
    content: Any = None
    at: int = field(default_factory=now_micros)
    metadata: dict[str, Any] = field(default_factory=dict)
    tool_calls: Sequence[ToolCall] = ()
    tool_call_id: str | None = None
    extra: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_text(self.role, "the role of a message")
        check_time(self.at, "the time of a message")
        check_map(self.metadata, "the metadata of a message")
        if self.tool_call_id is not None:
            check_text(self.tool_call_id, "the tool_call_id of a message")
        object.__setattr__(self, "tool_calls", tuple(self.tool_calls))
        for call in self.tool_calls:
            if not isinstance(call, ToolCall):
                raise SchemaError(f"the tool_calls of a message must be ToolCall, got {describe(call)}")

    def to_value(self) -> dict[str, Any]:
        """The message as a value; what is empty is left out."""
        known = {
            "role": self.role,
            "content": self.content,
            "at": moment.text(self.at),
            "metadata": self.metadata,
            "tool_calls": [call.to_value() for call in self.tool_calls],
            "tool_call_id": self.tool_call_id,
        }
        return assemble(known, self.extra, optional=("metadata", "tool_calls"))

    @classmethod
    def from_value(cls, value: object, *, path: str = "$") -> Self:
        """The message of a value. Raises SchemaError, which names the path."""
        check_value(value, path)
        document = Document(value, path)
        calls = document.list("tool_calls")
        return cls(
            role=document.text("role"),
            content=document.value("content"),
            at=document.time("at"),
            metadata=document.map("metadata"),
            tool_calls=[ToolCall.from_value(call, path=f"{path}.tool_calls[{i}]") for i, call in enumerate(calls)],
            tool_call_id=document.text("tool_call_id", None),
            extra=document.rest,
        )
