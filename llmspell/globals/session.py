"""`Session`: work with a beginning, an end, a timeline, and checkpoints to go back to."""

from llmspell.state import moment
from llmspell.state.moment import text as time_text
from llmspell.surface.model import Anything, Choice, Global, Moment, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.sessions.session import Checkpoint, Entry
    from llmspell.sessions.session import Session as Stored
    from llmspell.sessions.sessions import Sessions


class SessionStatus(Choice):
    """What a session is: active or suspended, or ended as completed or failed, or archived after that."""

    values = ("active", "suspended", "completed", "failed", "archived")


class SessionFilter(Choice):
    """A status of sessions, or all of them."""

    values = (*SessionStatus.values, "all")


class SessionOrder(Choice):
    """What sessions can be sorted by."""

    values = ("created_at", "updated_at", "name", "artifact_count", "operation_count")


class SessionInfo(Record):
    """A session. Times are RFC 3339 text in UTC; `metadata` is the same as `custom_metadata`.

    `failure_reason` says why it failed, or why it was suspended when its time was over. `operation_count` counts changes of the
    state and of artifacts that were recorded under it.
    """

    id: str
    name: str
    description: str
    tags: list[str]
    status: SessionStatus
    created_at: str
    updated_at: str
    ended_at: str | None = None
    parent_session_id: str | None = None
    custom_metadata: dict[str, Anything]
    metadata: dict[str, Anything]
    artifact_count: int
    artifact_bytes: int
    operation_count: int
    checkpoint_count: int
    created_by: str
    failure_reason: str | None = None
    correlation_id: str


class SessionCheckpoint(Record):
    """A moment of a session that it can be put back to. `version` is that of the store."""

    text_field = "checkpoint_id"

    checkpoint_id: str
    label: str
    version: int
    created_at: str


class Session(Global):
    """Sessions: units of work with a status, a timeline of what happened in them, and checkpoints to go back to.

    A session has the scope `session:<id>` of `State` to itself. While one is current (`set_current`), changes of the state and
    of artifacts, hooks and events are recorded in its timeline, in the same commit, and carry its correlation id. A session that
    is over its time (`max_duration`, `max_idle_time`) is suspended; `resume` or a longer limit lets it go on. Limits that a
    session does not have of its own are those of `[runtime.sessions]`.
    """

    name = "Session"
    requires_setting = "[runtime.sessions] enabled"

    def __init__(self, sessions: "Sessions") -> None:
        self._sessions = sessions

    def create(
        self, *, name: str = "", description: str = "", tags: list[str] | None = None,
        metadata: dict[str, Anything] | None = None, parent_session_id: str | None = None,
        max_duration: float | None = None, max_idle_time: float | None = None, max_artifacts: int | None = None,
        max_artifact_bytes: int | None = None, max_operations: int | None = None, max_rate: int | None = None,
        created_by: str = "",
    ) -> str:  # fmt: skip
        """Start a session; its id. Times are in seconds, `max_rate` is operations per second.

        Raises `limit_exceeded` when there are `max_sessions` active or suspended ones already.
        """
        return self._sessions.create(
            name=name, description=description, tags=tags or (), metadata=metadata, parent_session_id=parent_session_id,
            max_duration=max_duration, max_idle_time=max_idle_time, max_artifacts=max_artifacts,
            max_artifact_bytes=max_artifact_bytes, max_operations=max_operations, max_rate=max_rate, created_by=created_by,
        )  # fmt: skip

    def get(self, id: str) -> SessionInfo:
        """A session as it is now."""
        return describe(self._sessions.get(id))

    def update(
        self, id: str, *, name: str | None = None, description: str | None = None, tags: list[str] | None = None,
        metadata: dict[str, Anything] | None = None, max_duration: float | None = None, max_idle_time: float | None = None,
        max_artifacts: int | None = None, max_artifact_bytes: int | None = None, max_operations: int | None = None,
        max_rate: int | None = None,
    ) -> None:  # fmt: skip
        """Change what is given; `metadata` is merged with what is there.

        A session that was suspended because its time was over is active again when the new limits let it go on.
        """
        self._sessions.update(
            id, name=name, description=description, tags=tags, metadata=metadata, max_duration=max_duration,
            max_idle_time=max_idle_time, max_artifacts=max_artifacts, max_artifact_bytes=max_artifact_bytes,
            max_operations=max_operations, max_rate=max_rate,
        )  # fmt: skip

    def list_(
        self, *, status: SessionFilter | None = None, tags: list[str] | None = None, name: str | None = None,
        parent_session_id: str | None = None, created_after: Moment | None = None, created_before: Moment | None = None,
        text: str | None = None, sort_by: SessionOrder = SessionOrder("created_at"), descending: bool = False,  # noqa: B008 - it is text
        limit: int | None = None, offset: int = 0,
    ) -> list[SessionInfo]:  # fmt: skip
        """The sessions that fit all of what is given; without `status`, the active and suspended ones.

        `tags` must all be there; `name` is the whole name, `text` any part of name or description, without regard to case.
        """
        found = self._sessions.list(
            status=status, tags=tags or (), name=name, parent_session_id=parent_session_id,
            created_after=None if created_after is None else moment.parse(created_after),
            created_before=None if created_before is None else moment.parse(created_before),
            text=text, sort_by=sort_by, descending=descending, limit=limit, offset=offset,
        )  # fmt: skip
        return [describe(session) for session in found]

    def suspend(self, id: str) -> None:
        """Put an active session aside; it still counts towards `max_sessions`."""
        self._sessions.suspend(id)

    def resume(self, id: str) -> None:
        """Let a suspended session go on; the times for its limits begin anew."""
        self._sessions.resume(id)

    def complete(self, id: str) -> None:
        """End a session well. An ended session is not current any more."""
        self._sessions.complete(id)

    def fail(self, id: str, reason: str = "") -> None:
        """End a session, and say why."""
        self._sessions.fail(id, reason)

    def archive(self, id: str) -> None:
        """Put a completed or failed session away: nothing about it changes any more. It can be read, forked and deleted."""
        self._sessions.archive(id)

    def delete(self, id: str, *, force: bool = False) -> None:
        """Delete a session with its scope, its checkpoints, its timeline and its artifacts.

        An active one only with `force`, else it raises `invalid_transition`.
        """
        self._sessions.delete(id, force=force)

    def save(self, id: str, *, label: str = "") -> SessionCheckpoint:
        """Make a checkpoint of a session: of what it is, of its scope and of its artifacts. What does not change is shared."""
        return describe_checkpoint(self._sessions.save(id, label=label))

    def checkpoints(self, id: str) -> list[SessionCheckpoint]:
        """The checkpoints of a session, oldest first."""
        return [describe_checkpoint(each) for each in self._sessions.checkpoints(id)]

    def delete_checkpoint(self, id: str, checkpoint: str | SessionCheckpoint) -> None:
        """Delete a checkpoint, by id or label, and let go of what only it needed."""
        self._sessions.delete_checkpoint(id, str(checkpoint))

    def load(self, id: str, *, checkpoint: str | SessionCheckpoint | None = None) -> str:
        """The id of a session that is there; with `checkpoint` (id or label), the session is put back to it.

        In one commit its scope, its artifacts, and what it is, are what they were: a failed session is active again. The
        timeline goes on, and other checkpoints stay. Of equal labels the newest one counts.
        """
        return self._sessions.load(id, checkpoint=None if checkpoint is None else str(checkpoint))

    def fork(self, id: str, *, checkpoint: str | SessionCheckpoint | None = None, name: str | None = None) -> str:
        """Start a new session from another one as it is, or was at a checkpoint (id or label); its id.

        Its parent is the origin. It has the origin's values, artifacts, metadata, tags and limits, and a timeline of its own.
        """
        return self._sessions.fork(id, checkpoint=None if checkpoint is None else str(checkpoint), name=name)

    def get_current(self) -> str | None:
        """The id of the current session, or null."""
        return self._sessions.current_id

    def set_current(self, id: str | None) -> None:
        """Record what happens from now on under this session; with null, under none. It ends with the script."""
        self._sessions.set_current(id)

    def timeline(
        self, id: str, *, kinds: list[str] | None = None, since: int = 0, limit: int | None = None
    ) -> list[dict[str, Anything]]:
        """What happened in a session, oldest first: `{seq, at, kind, correlation_id, …}`; `since` is a `seq`, exclusive.

        Kinds: session.created, .suspended, .resumed, .completed, .failed, .archived (with `reason`), checkpoint.saved, .loaded
        (with `checkpoint_id`, `label`), state.saved, state.deleted (with `scope`, `key`, `version`), artifact.stored,
        artifact.deleted, hook.executed (with `point`, `hook`, `duration`), event.published.
        """
        return [describe_entry(entry) for entry in self._sessions.timeline(id, kinds=kinds, since=since, limit=limit)]


def describe(session: "Stored") -> SessionInfo:
    """A session as scripts and commands see it."""
    return SessionInfo(
        id=session.id,
        name=session.name,
        description=session.description,
        tags=session.tags,
        status=SessionStatus(session.status),
        created_at=time_text(session.created_at),
        updated_at=time_text(session.updated_at),
        ended_at=None if session.ended_at is None else time_text(session.ended_at),
        parent_session_id=session.parent_session_id,
        custom_metadata=session.metadata,
        metadata=session.metadata,
        artifact_count=session.artifact_count,
        artifact_bytes=session.artifact_bytes,
        operation_count=session.operation_count,
        checkpoint_count=session.checkpoint_count,
        created_by=session.created_by,
        failure_reason=session.failure_reason,
        correlation_id=session.correlation_id,
    )


def describe_checkpoint(checkpoint: "Checkpoint") -> SessionCheckpoint:
    """A checkpoint as scripts and commands see it."""
    return SessionCheckpoint(
        checkpoint_id=checkpoint.id,
        label=checkpoint.label,
        version=checkpoint.version,
        created_at=time_text(checkpoint.created_at),
    )


def describe_entry(entry: "Entry") -> dict[str, Anything]:
    """An entry of a timeline as scripts and commands see it."""
    return {
        "seq": entry.seq,
        "at": time_text(entry.at),
        "kind": entry.kind,
        "correlation_id": entry.correlation_id,
        **entry.data,
    }
