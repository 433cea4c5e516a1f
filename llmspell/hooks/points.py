"""Points: the moments at which hooks run, and which results have a meaning there."""

from llmspell.errors import BadArgument

STATE = (
    "BeforeStateRead", "AfterStateRead", "BeforeStateWrite", "AfterStateWrite", "BeforeStateDelete", "AfterStateDelete",
    "StateConflict",
)  # fmt: skip
"""The points of the state itself, which `StateManager.hooks` serves."""

POINTS = (
    *STATE,
    "StateMigration", "BackupCreated", "BackupRestored",
    "SessionStart", "SessionEnd", "SessionSuspend", "SessionResume", "SessionSave", "SessionRestore",
    "ArtifactStored", "ArtifactDeleted",
    "SystemStartup", "SystemShutdown",
    "BeforeAgentInit", "AfterAgentInit", "BeforeAgentExecution", "AfterAgentExecution", "BeforeAgentShutdown",
    "AfterAgentShutdown", "AgentError",
    "BeforeToolDiscovery", "AfterToolDiscovery", "BeforeToolExecution", "AfterToolExecution", "ToolValidation", "ToolError",
    "BeforeWorkflowStart", "WorkflowStageTransition", "BeforeWorkflowStage", "AfterWorkflowStage", "WorkflowCheckpoint",
    "WorkflowRollback", "AfterWorkflowComplete", "WorkflowError",
)  # fmt: skip

PRIORITIES = ("highest", "high", "normal", "low", "lowest")
"""In the order in which hooks of one point run; of equal ones, the one that was registered first."""

KINDS = ("continue", "skip", "modified", "cancel", "replace", "redirect", "retry", "cache")

_ALWAYS = frozenset(("continue", "skip", "retry", "modified", "cancel", "replace"))
_MEANINGS = {
    "BeforeStateRead": _ALWAYS | {"redirect", "cache"},
    "AfterStateRead": _ALWAYS | {"cache"},
    "BeforeStateWrite": _ALWAYS | {"redirect"},
    "BeforeStateDelete": _ALWAYS | {"redirect"},
    "StateConflict": _ALWAYS | {"redirect"},
    "ToolValidation": frozenset(KINDS),
}


def meanings(point: str) -> frozenset[str]:
    """The kinds of results that have a meaning at a point; another is taken as continue, with a warning.

    Before something of an agent, tool or workflow all have, since whoever fires the point says what it does; after the fact
    nothing can be redirected or cached any more.
    """
    found = _MEANINGS.get(point)
    if found is None:
        found = frozenset(KINDS) if point.startswith("Before") else _ALWAYS
    return found


def decides(point: str) -> bool:
    """Whether what a hook says at this point decides about something; else it is told what has happened."""
    return point.startswith("Before") or point in ("AfterStateRead", "StateConflict", "ToolValidation")


def check_point(point: object) -> str:
    """The point itself; raises BadArgument, naming the nearest one, for one that there is not."""
    if not isinstance(point, str):
        raise BadArgument(f"a hook point must be text, got {type(point).__name__}")
    if point not in POINTS:
        raise BadArgument(f"there is no hook point '{point[:60]}'; the nearest is '{nearest(point)}'")
    return point


def check_priority(priority: object) -> str:
    """The priority itself; raises BadArgument for one that there is not."""
    if priority not in PRIORITIES:
        raise BadArgument(f"priority must be one of {', '.join(PRIORITIES)}, got {priority!r}")
    return str(priority)


def nearest(point: str) -> str:
    """The point whose name is most like a text: `before_state_write` and `beforeStateWrit` mean BeforeStateWrite."""
    from difflib import SequenceMatcher

    wanted = "".join(letter for letter in point[:200].lower() if letter.isalnum())
    return max(POINTS, key=lambda name: SequenceMatcher(None, wanted, name.lower()).ratio())
