"""Policies: how much a session may do, and for how long. Reaching a limit raises LimitExceeded and changes nothing."""

from llmspell.errors import InvalidTransition, LimitExceeded
from llmspell.state.limits import size_text
from llmspell.state.moment import SECOND

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.sessions.layout import Details, Usage

OVERTIME_HINT = "Session.resume(id) lets it go on, and so does a longer limit (Session.update)"


class Policies:
    """The limits that hold for every session that has none of its own. Seconds, counts and bytes; except for the number of
    artifacts and of sessions, 0 is no limit."""

    __slots__ = (
        "max_artifact_bytes", "max_artifacts", "max_duration", "max_idle_time", "max_operations", "max_rate",
        "max_sessions",
    )  # fmt: skip

    def __init__(
        self, *, max_sessions: int = 100, max_duration: float = 0, max_idle_time: float = 3600, max_artifacts: int = 1000,
        max_artifact_bytes: int = 0, max_operations: int = 0, max_rate: int = 0,
    ) -> None:  # fmt: skip
        self.max_sessions = max_sessions
        self.max_duration = max_duration
        self.max_idle_time = max_idle_time
        self.max_artifacts = max_artifacts
        self.max_artifact_bytes = max_artifact_bytes
        self.max_operations = max_operations
        self.max_rate = max_rate

    def overtime(self, details: "Details", usage: "Usage", now: int) -> str:
        """Why an active session is over its time, or ""."""
        own = details.fields.get
        longest, idle = own("max_duration", self.max_duration), own("max_idle_time", self.max_idle_time)
        if longest and now - usage.started_at > longest * SECOND:
            return f"active for longer than {longest:g} seconds"
        if idle and now - usage.active_at > idle * SECOND:
            return f"idle for longer than {idle:g} seconds"
        return ""

    def check_active(self, session_id: str, details: "Details", usage: "Usage", now: int) -> None:
        """Raise unless something may be done in the session: InvalidTransition, or LimitExceeded when its time is over."""
        status = details.fields["status"]
        reason = self.overtime(details, usage, now) if status == "active" else details.fields.get("overtime", "")
        if reason:
            raise LimitExceeded(f"the session {session_id} is suspended: {reason}", hint=OVERTIME_HINT)
        if status != "active":
            raise InvalidTransition(
                f"the session {session_id} is {status}, so nothing can be recorded under it",
                hint="resume it, or Session.set_current(nil)" if status == "suspended" else "",
            )

    def check(
        self, session_id: str, details: "Details", usage: "Usage", now: int, operations: int, artifacts: int = 0, size: int = 0
    ) -> None:  # fmt: skip
        """Raise LimitExceeded unless a session may do so many operations more, and own so many artifacts and bytes more."""
        own = details.fields.get
        if artifacts > 0:
            limit = own("max_artifacts", self.max_artifacts)
            if usage.artifact_count + artifacts > limit:
                raise LimitExceeded(
                    f"the session {session_id} may have {limit:g} artifacts, and has {usage.artifact_count}"
                )
            limit = own("max_artifact_bytes", self.max_artifact_bytes)
            if limit and usage.artifact_bytes + size > limit:
                raise LimitExceeded(
                    f"the artifacts of the session {session_id} may have {size_text(int(limit))} together"
                )
        limit = own("max_operations", self.max_operations)
        if limit and usage.operation_count + operations > limit:
            raise LimitExceeded(
                f"the session {session_id} may do {limit:g} operations, and has done {usage.operation_count}"
            )
        limit = own("max_rate", self.max_rate)
        if limit and usage.recent(now) + operations > limit:
            raise LimitExceeded(f"the session {session_id} may do {limit:g} operations per second")
