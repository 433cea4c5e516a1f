"""`Breaker`: switches off what keeps failing, and tries it again later."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class BreakerPolicy:
    """When a hook is switched off, for how long, and how long it is on trial afterwards.

    `clock` gives seconds that never go back.
    """

    def __init__(
        self,
        *,
        failure_threshold: int = 5,
        open_seconds: float = 30,
        half_open_seconds: float = 10,
        clock: "Callable[[], float]",
    ) -> None:
        self.failure_threshold = failure_threshold
        self.open_seconds = open_seconds
        self.half_open_seconds = half_open_seconds
        self.clock = clock


class Breaker:
    """The state of one hook: closed (it runs), open (it does not), half open (it runs, and its next failure opens again).

    A number of failures in a row opens it. After `open_seconds` it is on trial, and once `half_open_seconds` of that have
    passed without a failure it is closed. `is_calm` says that none of this needs looking at: the usual case, for one comparison.
    """

    __slots__ = ("_policy", "failures", "has_warned", "is_calm", "opened_at")

    def __init__(self, policy: BreakerPolicy) -> None:
        self._policy = policy
        self.failures = 0
        self.opened_at: float | None = None
        self.has_warned = False
        self.is_calm = True

    @property
    def state(self) -> str:
        """`closed`, `open` or `half_open`, by the clock."""
        if self.opened_at is None:
            return "closed"
        passed = self._policy.clock() - self.opened_at
        if passed < self._policy.open_seconds:
            return "open"
        return "half_open" if passed < self._policy.open_seconds + self._policy.half_open_seconds else "closed"

    def succeed(self) -> None:
        """A run went well: failures before it no longer count. On trial, that ends with its time."""
        self.failures = 0
        if self.state == "closed":
            self.opened_at, self.has_warned, self.is_calm = None, False, True

    def fail(self) -> bool:
        """A run failed; whether this has just switched it off, and nobody has been warned of that yet."""
        self.is_calm = False
        state = self.state
        if state == "open":
            return False  # another thread's run, begun before
        if state == "closed" and self.opened_at is not None:
            self.opened_at, self.has_warned = None, False
        self.failures += 1
        if state == "closed" and self.failures < self._policy.failure_threshold:
            return False
        self.opened_at, self.failures = self._policy.clock(), 0
        is_first, self.has_warned = not self.has_warned, True
        return is_first
