"""`Deadline`: bounds the time that one of the script's functions may take inside a host function."""

import _thread
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class Deadline:
    """The earliest end of the functions that are running now, and a thread that calls `fire` once it has passed.

    An engine that asks by itself needs no `fire`; else it is called again and again until the function has ended. The
    thread starts with the first limit and sleeps through short functions: a limit that ends later than it wakes anyway
    costs no wake-up.
    """

    def __init__(self, fire: "Callable[[], None] | None" = None) -> None:
        self._fire = fire
        self._when: float | None = None
        self._planned: float | None = None
        self._guard = _thread.allocate_lock()
        self._wake = _thread.allocate_lock()
        self._is_running = False
        self._is_closed = False

    @property
    def is_passed(self) -> bool:
        when = self._when
        return when is not None and time.monotonic() >= when

    def end(self) -> float:
        """When, by the monotonic clock; infinity when nothing is limited."""
        when = self._when
        return float("inf") if when is None else when

    def limit(self, seconds: float) -> "Limit":
        """For a `with` block: it ends within `seconds` (0 is no limit), and within the limits around it."""
        return Limit(self, seconds)

    def close(self) -> None:
        """Let the thread end."""
        with self._guard:
            self._is_closed = True
            self._rouse()

    def set(self, when: float | None) -> float | None:
        """Replace the end by `when`; the one before."""
        with self._guard:
            earlier, self._when = self._when, when
            if when is None or self._fire is None:
                return earlier
            if not self._is_running:
                self._is_running = True
                self._wake.acquire()
                _thread.start_new_thread(self._run, ())
            elif self._planned is None or when < self._planned:
                self._rouse()
        return earlier

    def _rouse(self) -> None:
        if self._wake.locked():
            self._wake.release()

    def _run(self) -> None:
        while True:
            with self._guard:
                if self._is_closed:
                    return
                when = self._planned = self._when
            left = -1.0 if when is None else max(0.0, when - time.monotonic())
            self._wake.acquire(timeout=left)
            if self.is_passed and self._fire is not None:
                self._fire()
                time.sleep(0.002)


class Limit:
    """What `Deadline.limit` gives."""

    def __init__(self, deadline: Deadline, seconds: float) -> None:
        self._deadline = deadline
        self._seconds = seconds

    def __enter__(self) -> None:
        when = time.monotonic() + self._seconds if self._seconds else None
        self._around = self._deadline.set(None)
        ends = [end for end in (self._around, when) if end is not None]
        self._deadline.set(min(ends, default=None))

    def __exit__(
        self, kind: "type[BaseException] | None", error: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self._deadline.set(self._around)
