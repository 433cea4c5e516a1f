"""The built-in hooks: change log, agents' state, validation by schemas, and a backup when critical keys change."""

from time import monotonic

from llmspell.errors import LlmspellError
from llmspell.state.classes import matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from llmspell.hooks.hooks import Hooks
    from llmspell.migration.catalogue import Catalogue
    from llmspell.state.manager import StateManager

    Told = dict[str, Any]

CHANGES = ("AfterStateWrite", "AfterStateDelete")
STATE_KEY = "state"


def log_changes(hooks: "Hooks", log: "Callable[[str, Told], None]") -> None:
    """Every change of the state becomes a line of the log: scope, key, operation, and the correlation, but no value."""

    def tell(context: "Told") -> None:
        data = context["data"]
        what = "deleted" if context["point"] == "AfterStateDelete" else "saved"
        log(
            f"state {what}",
            {
                "scope": data["scope"],
                "key": data["key"],
                "operation": data["operation"],
                "correlation_id": context["correlation_id"],
            },
        )

    for point in CHANGES:
        hooks.register(point, tell, name="change_log", priority="lowest", is_builtin=True)


def keep_agents(hooks: "Hooks", state: "StateManager") -> None:
    """The `state` of an agent is kept in its scope, and given to it when it is initialised.

    The agent's id is the data's `agent_id`, else the name of the component. What is kept stands under the key `state`.
    """

    def scope_of(context: "Told") -> str:
        return f"agent:{context['data'].get('agent_id') or context['component_id']['name']}"

    def give(context: "Told") -> "Told | None":
        kept = state.get(scope_of(context), STATE_KEY)
        if kept is None or context["data"].get("state") is not None:
            return None
        return {"type": "modified", "data": {"state": kept}}

    def keep(context: "Told") -> None:
        held = context["data"].get("state")
        if held is not None:
            state.set(scope_of(context), STATE_KEY, held)

    hooks.register("BeforeAgentInit", give, name="agent_state", priority="highest", is_builtin=True)
    for point in ("AfterAgentInit", "AfterAgentExecution", "BeforeAgentShutdown", "AgentError"):
        hooks.register(point, keep, name="agent_state", priority="lowest", is_builtin=True)


def validate_by_schemas(hooks: "Hooks", state: "StateManager", catalogue: "Catalogue") -> None:
    """A write that breaks a rule of the schema that covers it is cancelled, after all other hooks have had their say."""
    from llmspell.migration.fields import STRICT, Violation
    from llmspell.migration.schema import describe

    def validate(context: "Told") -> "Told | None":
        data = context["data"]
        document = data["new_value"]
        if not isinstance(document, dict):
            return None
        with state.store.read() as txn:
            schema = catalogue.refresh(txn).covering(data["scope"], data["key"])
        if schema is None:
            return None
        try:
            schema.validate(document, STRICT)
        except Violation as violation:
            problem = describe(violation, data["scope"], data["key"], schema, catalogue.first_index)
            return {"type": "cancel", "reason": problem.message}
        return None

    hooks.register(
        "BeforeStateWrite", validate, name="schema_validation", priority="lowest", on_error="cancel", is_builtin=True
    )


class CriticalBackup:
    """Backs up when a key that matches one of the patterns has changed, at most once in `seconds`.

    A pattern with a `/` is matched on `scope/key`, any other on the key. What changes in the meantime is backed up by
    `finish`, at the script's end and at that of the runtime.
    """

    def __init__(
        self,
        hooks: "Hooks",
        patterns: "Sequence[str]",
        seconds: float,
        back_up: "Callable[[str], object]",
        clock: "Callable[[], float]" = monotonic,
    ) -> None:
        self._hooks = hooks
        self._patterns = [("/" in pattern, tuple(pattern.split("*"))) for pattern in patterns]
        self._seconds = seconds
        self._back_up = back_up
        self._clock = clock
        self._last: float | None = None
        self._changed: dict[str, None] = {}
        for point in CHANGES:
            hooks.register(point, self._note, name="critical_backup", priority="lowest", is_builtin=True)
        hooks.finishers.append(self.finish)

    def finish(self) -> None:
        """Back up what has changed since the last backup. What goes wrong is a warning; the next change tries again."""
        if not self._changed:
            return
        names = [*self._changed]
        self._changed.clear()
        self._last = self._clock()
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        try:
            self._back_up(f"critical: {', '.join(names[:3])}{more}")
        except LlmspellError as error:
            self._changed.update(dict.fromkeys(names))
            self._hooks.warn("the backup of critical keys failed", {"error": error.message})

    def _note(self, context: "Told") -> None:
        data = context["data"]
        full = f"{data['scope']}/{data['key']}"
        if any(matches(parts, full if whole else data["key"]) for whole, parts in self._patterns):
            self._changed[full] = None
            if self._last is None or self._clock() - self._last >= self._seconds:
                self.finish()
