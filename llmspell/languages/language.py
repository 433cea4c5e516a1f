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


class ScriptExit(Exception):
    """The script ended itself with `os.exit(n)` or `exit(n)`. `status` is 0 to 255."""

    def __init__(self, status: int) -> None:
        super().__init__(f"exit {status}")
        self.status = status


class Stop:
    """The wish that the script end now, set once from any thread, and a way to sleep until it is set."""

    def __init__(self) -> None:
        self.reason: LlmspellError | ScriptExit | None = None
        self.bound: Callable[[], float] = lambda: FOREVER
        """When, by the monotonic clock, the function of the script that is running must end."""
        self._set = _thread.allocate_lock()
        self._guard = _thread.allocate_lock()
        self._set.acquire()

    def request(self, reason: "LlmspellError | ScriptExit", fire: "Callable[[], None] | None" = None) -> None:
        """Set the reason (the first one stands), then `fire` the engine's interrupt, then wake whoever sleeps."""
        with self._guard:
            is_first = self.reason is None
            self.reason = self.reason or reason
        if fire is not None:
            fire()
        if is_first:
            self._set.release()

    def wait(self, seconds: float) -> bool:
        """Sleep, but not past `bound`; True, and at once, when the stop is requested."""
        deadline = min(time.monotonic() + seconds, self.bound())
        while self.reason is None:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            if self._set.acquire(timeout=min(left, _thread.TIMEOUT_MAX)):
                self._set.release()
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
