"""`Language`: Lua or JavaScript, running. The seam between the runtime and an engine."""

import _thread
import time
from abc import ABC, abstractmethod

from llmspell.errors import LlmspellError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmspell.languages.grants import Grants
    from llmspell.surface.model import Global


FOREVER = float("inf")
MAX_ROUNDS = 10_000
"""How often errands are run at a script's end."""


class ScriptExit(Exception):
    """The script ended itself with `os.exit(n)` or `exit(n)`. `status` is 0 to 255."""

    def __init__(self, status: int) -> None:
        super().__init__(f"exit {status}")
        self.status = status


class Stop:
    """What the script's thread sees to between its own steps: the wish that the script end now, and errands.

    An errand is work for the script's own thread that another thread, or an earlier call, has left: handlers of events,
    hooks that run in the background. Errands run when the script calls any function of the host, while that function
    waits, and at the script's end; never while a function of the script is running inside a host function (a transaction, an
    update, a hook, another errand). An errand must not raise.
    """

    def __init__(self) -> None:
        self.reason: LlmspellError | ScriptExit | None = None
        self.is_due = False
        """Whether there is something to `attend` to. All that a call pays while there is not is the look at this."""
        self.errands: list[Callable[[], None]] = []
        """Each does what has been left for it by now, no more than that, and summons again for what it leaves."""
        self.afterwards: list[Callable[[], None]] = []
        """What is to be done, on the script's thread, when the script has ended, however that was. It must not raise."""
        self.farewells: list[Callable[[], None]] = []
        """Each sees to it that what must be done before the script ends is done; also before it ends itself."""
        self.nesting = 0
        """How many functions of the script are running inside host functions."""
        self.bound: Callable[[], float] = lambda: FOREVER
        """When, by the monotonic clock, the function of the script that is running must end."""
        self._wake = _thread.allocate_lock()
        self._guard = _thread.allocate_lock()
        self._wake.acquire()

    def request(self, reason: "LlmspellError | ScriptExit", fire: "Callable[[], None] | None" = None) -> None:
        """Set the reason (the first one stands), then `fire` the engine's interrupt, then wake whoever sleeps."""
        with self._guard:
            self.reason = self.reason or reason
            self.is_due = True
        if fire is not None:
            fire()
        self.wake()

    def summon(self) -> None:
        """Have the script's thread run the errands as soon as it may. From any thread."""
        self.is_due = True
        self.wake()

    def wake(self) -> None:
        """Let whoever sleeps in `wait` look again at what it waits for. From any thread."""
        # Without a lock of its own: a signal handler may come here while the same thread is here.
        if self._wake.locked():
            try:
                self._wake.release()
            except RuntimeError:
                return  # another thread has been faster

    def attend(self) -> bool:
        """See to what is due, on the script's thread; whether the script is to end."""
        if self.reason is None and not self.nesting:
            self.is_due = False
            if self.reason is not None:
                self.is_due = True  # requested between the two
            self.nesting += 1
            try:
                for errand in self.errands:
                    errand()
            finally:
                self.nesting -= 1
        return self.reason is not None

    def finish(self, settle: "Callable[[], None] | None" = None) -> None:
        """Say farewell, and run errands until none is left, or the script is to end; `settle` is called in between.

        Errands that leave each other work without end are left after MAX_ROUNDS.
        """
        for _ in range(MAX_ROUNDS):
            self.part()
            if settle is not None:
                settle()
            if not self.is_due or self.attend():
                return

    def part(self) -> None:
        """Say farewell, on the script's thread, unless the script is to end at once or runs inside a host function."""
        if self.reason is None and not self.nesting:
            self.nesting += 1
            try:
                for farewell in self.farewells:
                    farewell()
            finally:
                self.nesting -= 1

    def wait(self, seconds: float, until: "Callable[[], bool] | None" = None) -> bool:
        """Sleep, but not past `bound`, nor longer than until `until` gives True after a `wake`.

        True, and at once, when the stop is requested. Errands run meanwhile.
        """
        deadline = min(time.monotonic() + seconds, self.bound())
        while not (self.is_due and self.attend()):
            left = deadline - time.monotonic()
            if left <= 0 or (until is not None and until()):
                return False
            if self._wake.acquire(timeout=min(left, _thread.TIMEOUT_MAX)) and self.reason is not None:
                self.wake()  # for another thread that sleeps
        return True


class Limits:
    """What a script may use: `memory` in bytes and `instructions` (0 is no limit), and how much of Lua's own library."""

    def __init__(self, *, memory: int = 0, instructions: int = 0, stdlib: str = "safe", modules: bool = True) -> None:
        self.memory = memory
        self.instructions = instructions
        self.stdlib = stdlib
        self.modules = modules


class Services:
    """What an engine needs from its host besides the globals.

    `write(stream, data)` puts out what the script prints (stream 1 or 2) and never raises; `report_bug` gets exceptions
    that are mistakes of ours; `grants` says which files, variables and modules the script may reach.
    """

    def __init__(
        self,
        *,
        write: "Callable[[int, bytes], None]",
        report_bug: "Callable[[BaseException], None]",
        grants: "Grants",
        stop: Stop,
    ) -> None:
        self.write = write
        self.report_bug = report_bug
        self.grants = grants
        self.stop = stop


class Language(ABC):
    """One engine with its globals, for one script after another. Not for use from two threads at once.

    `interrupt` may come from any thread.
    """

    name: str
    first_index = 0
    """Where its lists begin."""
    suffixes: tuple[str, ...]
    _is_running = False

    @abstractmethod
    def __init__(self, globals_: "Sequence[Global]", limits: Limits, services: Services) -> None: ...

    @abstractmethod
    def run(self, source: bytes, name: str, arguments: "Sequence[str]") -> bytes:
        """Run a script to its end; the payload of its result.

        `name` is the script's path, for messages, stacks and modules beside it. Raises ScriptError for what the script
        did not catch, the reason given to `interrupt` when that ended it, ScriptExit when the script ended itself, and
        LimitExceeded.
        """

    @abstractmethod
    def interrupt(self, reason: "LlmspellError | ScriptExit") -> None:
        """Make the running script end, whatever it does; nothing it could catch."""

    def _insist(self, fire: "Callable[[], None]") -> None:
        """Call `fire`, which asks the engine to stop, until the script has ended: one that was in a race may be lost."""
        while self._is_running:
            fire()
            time.sleep(0.002)

    @abstractmethod
    def close(self) -> None:
        """Let go of the engine."""

    @classmethod
    @abstractmethod
    def mechanisms(cls) -> dict[str, str]:
        """How the limits are held on this platform, for `llmspell doctor`: a line each."""
