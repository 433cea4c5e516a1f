"""`Recording`: the hooks of a run without a current session, kept for replay in a session of their own."""

from _thread import allocate_lock

from llmspell.errors import LlmspellError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmspell.hooks.hook import Execution
    from llmspell.sessions.sessions import Sessions

TAG = "recording"
BATCH = 500
"""So many executions wait in memory before they are written."""
MOST_WAITING = 10_000


class Recording:
    """Gets what hooks do; what a current session records itself is none of its business.

    The session is made with the first batch, outside of transactions, and completed by `close`. A crash loses what waits. What
    goes wrong is told to `warn`, once, and ends the recording: a run does not fail for it.
    """

    def __init__(self, sessions: "Sessions", name: str, warn: "Callable[[str, dict[str, Any]], None]") -> None:
        self.session_id = ""
        self._sessions = sessions
        self._name = name
        self._warn = warn
        self._waiting: list[Execution] = []
        self._lock = allocate_lock()
        self._has_failed = False

    def __call__(self, execution: "Execution") -> None:
        if self._has_failed or self._sessions.current_id is not None:
            return
        self._waiting.append(execution)
        if len(self._waiting) >= BATCH:
            if self._sessions.home.own_transaction() is None:
                if self._lock.acquire(
                    blocking=False
                ):  # else another thread writes, or a hook of this very writing has run
                    try:
                        self._write()
                    finally:
                        self._lock.release()
            elif len(self._waiting) >= MOST_WAITING:
                self._fail("more hooks ran in one transaction than can be recorded")

    def close(self) -> None:
        """Write what waits, and complete the session."""
        with self._lock:
            self._write()
            if self.session_id and not self._has_failed:
                try:
                    self._sessions.complete(self.session_id)
                except LlmspellError as error:
                    self._fail(error.message)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            if not self.session_id:
                self.session_id = self._sessions.create(name=self._name, tags=[TAG])
            for execution in waiting:
                self._sessions.record_execution(execution, self.session_id)
            self._sessions.flush()
        except LlmspellError as error:
            self._fail(error.message)

    def _fail(self, problem: str) -> None:
        self._has_failed = True
        self._waiting = []
        self._warn("hooks are not recorded any more", {"problem": problem})
