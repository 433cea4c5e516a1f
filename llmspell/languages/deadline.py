"""`Deadline`: bounds the time that one of the script's functions may take inside a host function."""

import _thread
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


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

    def limit(self, seconds: float) -> float | None:
        """Bound what begins now to `seconds` (0 is no limit), and to the limits around it; what to `restore` afterwards."""
        around = self._when
        if seconds:
            when = time.monotonic() + seconds
            if around is None or when < around:
                self._when = when
                if self._fire is not None and (self._planned is None or when < self._planned):
                    self._plan()
        return around

    def restore(self, around: float | None) -> None:
        """Put the limit around back in place."""
        self._when = around

    def close(self) -> None:
        """Let the thread end."""
        self._is_closed = True
        self._rouse()

    def _plan(self) -> None:
        """See to it that the thread, which plans to wake later or never, wakes by then.

        It writes its plan and then looks at the end once more, so one of the two sees the other's.
        """
        if not self._is_running:
            self._is_running = True
            self._wake.acquire()
            _thread.start_new_thread(self._run, ())
        else:
            self._rouse()

    def _rouse(self) -> None:
        if self._wake.locked():
            try:
                self._wake.release()
            except RuntimeError:
                return  # another thread has been faster

    def _run(self) -> None:
        while not self._is_closed:
            when = self._planned = self._when
            if self._when != when:
                continue
            left = -1.0 if when is None else max(0.0, when - time.monotonic())
            self._wake.acquire(timeout=left)
            if self.is_passed and self._fire is not None:
                self._fire()
                time.sleep(0.002)
