"""`Hook`: one registered function with its filters and figures; `Execution`: one run of it."""

from llmspell.hooks.breaker import Breaker, BreakerPolicy
from llmspell.hooks.points import PRIORITIES
from llmspell.ids import new_id
from llmspell.state.classes import matches

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmspell.hooks.context import Context, Fields

    Call = Callable[[Context, float], bytes]
    """Runs the function with a context for at most so many seconds (0 is no limit); the payload of its result."""


class Hook:
    """A function that runs at a point. `executions`, `failures` and `avg_ms` tell of its runs so far."""

    __slots__ = (
        "_key", "_scope", "alone", "breaker", "call", "executions", "failures", "id", "is_builtin", "is_filtered", "key",
        "language", "meaningless", "name", "on_error", "order", "point", "priority", "scope", "tags", "thread", "total_ns",
    )  # fmt: skip

    def __init__(
        self,
        point: str,
        call: "Call",
        policy: BreakerPolicy,
        *,
        name: str,
        priority: str,
        number: int,
        tags: tuple[str, ...] = (),
        scope: str = "",
        key: str = "",
        on_error: str = "continue",
        language: str = "python",
        thread: int = 0,
        is_builtin: bool = False,
    ) -> None:
        self.id = new_id()
        self.point = point
        self.call = call
        self.name = name
        self.priority = priority
        self.order = (PRIORITIES.index(priority), number)
        self.tags = tags
        self.scope = scope
        self.key = key
        self._scope = tuple(scope.split("*")) if scope else None
        self._key = tuple(key.split("*")) if key else None
        self.is_filtered = bool(scope or key)
        self.on_error = on_error
        self.language = language
        self.thread = thread
        """The only thread that may run it; 0 for any."""
        self.is_builtin = is_builtin
        self.breaker = Breaker(policy)
        self.alone = (self,)
        """The hooks that are running while it runs in no other's run."""
        self.executions = 0
        self.failures = 0
        self.total_ns = 0
        self.meaningless: set[str] = set()
        """The kinds of results that were warned about because they have no meaning at the point."""

    @property
    def is_enabled(self) -> bool:
        """Whether it runs: false while its circuit breaker has switched it off."""
        return self.breaker.is_calm or self.breaker.state != "open"

    @property
    def avg_ms(self) -> float:
        return round(self.total_ns / self.executions / 1e6, 3) if self.executions else 0.0

    def fits(self, fields: "Fields") -> bool:
        """Whether its patterns match; data without scope or key fits no pattern for them."""
        for parts, value in ((self._scope, fields.get("scope")), (self._key, fields.get("key"))):
            if parts is not None and not (type(value) is str and matches(parts, value)):
                return False
        return True


class Execution:
    """One run of a hook. `context` and `result` are payloads, `at` is µs since 1970, `duration` is in seconds.

    `error` says why it failed, or "". In the payloads nothing sensitive is readable.
    """

    __slots__ = (
        "at", "context", "correlation_id", "duration", "error", "hook", "hook_id", "language", "point", "result",
    )  # fmt: skip

    def __init__(
        self,
        *,
        point: str,
        hook: str,
        hook_id: str,
        language: str,
        context: bytes,
        result: bytes,
        at: int,
        duration: float,
        error: str,
        correlation_id: str,
    ) -> None:
        self.point = point
        self.hook = hook
        self.hook_id = hook_id
        self.language = language
        self.context = context
        self.result = result
        self.at = at
        self.duration = duration
        self.error = error
        self.correlation_id = correlation_id
