"""What the sessions tell about a session, a checkpoint and an entry of a timeline. Times are µs since 1970."""

from llmspell.errors import InvalidTransition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from llmspell.sessions.layout import Details, Usage

OPEN = ("active", "suspended")
STEPS = {
    "active": ("suspended", "completed", "failed"),
    "suspended": ("active", "completed", "failed"),
    "completed": ("archived",),
    "failed": ("archived",),
    "archived": (),
}
"""The steps that are legal from each status."""


class Session:
    """A session as it is at one moment. `failure_reason` says why it failed, or was suspended when its time was over."""

    __slots__ = (
        "artifact_bytes", "artifact_count", "checkpoint_count", "correlation_id", "created_at", "created_by", "description",
        "ended_at", "failure_reason", "id", "limits", "metadata", "name", "operation_count", "parent_session_id", "status",
        "tags", "updated_at",
    )  # fmt: skip

    def __init__(self, session_id: str, details: "Details", usage: "Usage", overtime: str = "") -> None:
        fields = details.fields
        self.id = session_id
        self.name: str = fields.get("name", "")
        self.description: str = fields.get("description", "")
        self.tags: list[str] = fields.get("tags", [])
        self.status: str = "suspended" if overtime else fields["status"]
        self.created_at: int = fields["created_at"]
        self.updated_at = usage.updated_at
        self.ended_at: int | None = fields.get("ended_at")
        self.parent_session_id: str | None = fields.get("parent")
        self.metadata: dict[str, Any] = fields.get("metadata", {})
        self.artifact_count = usage.artifact_count
        self.artifact_bytes = usage.artifact_bytes
        self.operation_count = usage.operation_count
        self.checkpoint_count = usage.checkpoint_count
        self.created_by: str = fields.get("created_by", "")
        self.failure_reason: str | None = overtime or fields.get("overtime") or fields.get("reason")
        self.correlation_id: str = fields["correlation_id"]
        self.limits: dict[str, float] = {name: fields[name] for name in LIMITS if name in fields}


LIMITS = ("max_duration", "max_idle_time", "max_artifacts", "max_artifact_bytes", "max_operations", "max_rate")
"""The limits that a session may have of its own."""


class Checkpoint:
    """A moment of a session that it can be put back to. `version` is that of the store."""

    __slots__ = (
        "artifact_bytes",
        "artifact_count",
        "created_at",
        "id",
        "label",
        "scope_version",
        "session_id",
        "version",
    )

    def __init__(
        self, session_id: str, version: int, id: str, label: str, created_at: int, scope_version: int,
        artifact_count: int, artifact_bytes: int,
    ) -> None:  # fmt: skip
        self.session_id = session_id
        self.version = version
        self.id = id
        self.label = label
        self.created_at = created_at
        self.scope_version = scope_version
        """The version of the state, which is another one when the state has a store of its own."""
        self.artifact_count = artifact_count
        self.artifact_bytes = artifact_bytes


class Entry:
    """One entry of a timeline: `data` says more, by the kind."""

    __slots__ = ("at", "correlation_id", "data", "kind", "seq")

    def __init__(self, seq: int, at: int, kind: str, correlation_id: str, data: "dict[str, Any]") -> None:
        self.seq = seq
        self.at = at
        self.kind = kind
        self.correlation_id = correlation_id
        self.data = data


def check_step(session_id: str, before: str, after: str) -> None:
    """Raise InvalidTransition, naming both, unless a session may go from one status to the other."""
    if after not in STEPS[before]:
        legal = " or ".join(STEPS[before])
        raise InvalidTransition(
            f"the session {session_id} is {before} and cannot become {after}",
            hint=f"it can become {legal}" if legal else "an archived session stays as it is",
        )


def check_not_archived(session_id: str, details: "Details") -> None:
    """Raise InvalidTransition for an archived session: nothing about it changes any more."""
    if details.fields["status"] == "archived":
        raise InvalidTransition(
            f"the session {session_id} is archived, so nothing about it can change", hint="fork it to go on from it"
        )
