"""`Watch`: ends a script from outside, on Ctrl-C, on SIGTERM and at its deadline.

The script runs in the main thread, inside an engine, where Python's signal handlers do not run. So the signals' bytes
go through a pipe to a thread of its own, which asks the runtime to stop the script. A script that has not stopped
shortly after sits in a C function that nothing can interrupt (a pathological pattern); then the process ends, after it
has put what was committed on disk. That is safe: a commit is whole or absent.
"""

import _signal  # type: ignore[import-not-found]  # what `signal` wraps in enums, at 3 ms
import _thread
import os
import select
import time

from llmspell.errors import Interrupted, LlmspellError, Timeout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

GRACE_SECONDS = 0.08
"""How long an interrupted script may take to stop: with it, every end is within 100 ms."""
FLUSH_SECONDS = 2.0
"""How long the disk may take to write what was committed, when the process ends the hard way."""
LONGEST_WAIT = 3600.0
"""Seconds of one `select`, which refuses what the platform cannot express."""
TIMEOUT_HINT = "raise --timeout, or script_timeout_seconds in [runtime]"
SIGNALS = (_signal.SIGINT, _signal.SIGTERM)


class Watch:
    """Watches over one script, from the beginning of its `with` block, in the main thread, until `end`.

    `interrupt(error)` is called in the watching thread, once, with what the script is to end with. When `end` has not
    been called `GRACE_SECONDS` later, `give_up(error)` is called there, which ends the process. `timeout` is in
    seconds, 0 for none. From `end` to the end of the block signals do nothing: the script is over, and what is left is
    to close its store, which nothing must cut short.
    """

    def __init__(
        self,
        interrupt: "Callable[[LlmspellError], None]",
        give_up: "Callable[[LlmspellError], None]",
        *,
        timeout: float = 0.0,
    ) -> None:
        self.interrupt = interrupt
        self.give_up = give_up
        self.timeout = timeout
        self._ended = _thread.allocate_lock()
        self._acting = _thread.allocate_lock()

    def __enter__(self) -> "Watch":
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        self._ended.acquire()
        self._deadline = time.monotonic() + self.timeout if self.timeout else None
        self._earlier_fd = _signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._earlier = [(number, _signal.signal(number, _leave_it_to_the_watch)) for number in SIGNALS]
        _thread.start_new_thread(self._run, ())
        return self

    def end(self) -> None:
        """The script is over."""
        _signal.set_wakeup_fd(self._earlier_fd)
        with self._acting:
            os.write(self._writer, b"\0")
            self._ended.release()

    def __exit__(self, *_: object) -> None:
        for number, handler in self._earlier:
            _signal.signal(number, handler)

    def _run(self) -> None:
        error = self._wait()
        if error is not None:
            with self._acting:
                if self._ended.locked():
                    self.interrupt(error)
            if not self._ended.acquire(timeout=GRACE_SECONDS):
                self.give_up(error)
        os.close(self._reader)
        os.close(self._writer)

    def _wait(self) -> LlmspellError | None:
        """Why the script must end, or None when it has ended by itself."""
        while True:
            left = None if self._deadline is None else min(self._deadline - time.monotonic(), LONGEST_WAIT)
            if left is not None and left <= 0:
                return Timeout(f"the script ran longer than {self.timeout:g} s", hint=TIMEOUT_HINT)
            if not select.select([self._reader], [], [], left)[0]:
                continue
            received = os.read(self._reader, 64)
            if 0 in received:
                return None
            if _signal.SIGTERM in received:
                return Interrupted("terminated", exit_status=143)
            if _signal.SIGINT in received:
                return Interrupted("interrupted")


def _leave_it_to_the_watch(_number: int, _frame: object) -> None:
    """In place of KeyboardInterrupt, which a script's `pcall` would catch."""


def leave(status: int, flush: "Callable[[], None]") -> None:
    """End the process now, whatever its other threads do, after `flush` or after the time it may take."""
    done = _thread.allocate_lock()
    done.acquire()

    def work() -> None:
        try:
            flush()
        finally:
            done.release()

    _thread.start_new_thread(work, ())
    done.acquire(timeout=FLUSH_SECONDS)
    os._exit(status)
