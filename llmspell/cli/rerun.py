"""`run --watch`: the script again whenever its file changes."""

import os
import signal
import time

from llmspell.cli.call import Call, perform
from llmspell.errors import BadArgument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

INTERVAL_SECONDS = 0.1


def rerun(call: Call, action: "Callable[[Call], int]") -> int:
    """Run `action` now and after every change of the script or the named configuration file, until Ctrl-C.

    Every run is a process of its own, ended with SIGTERM when the file changes while it lasts. A file that is missing
    for a moment, as editors do when they save, is waited for.
    """
    if call.values["script"] == "-":
        raise BadArgument("--watch needs a script file, not standard input", exit_status=2)
    files = [path for path in (call.values["script"], call.values["config"]) if path]
    child = 0
    try:
        while True:
            seen = _stamps(files)
            child = os.fork()
            if child == 0:
                os._exit(perform(call.values, action))
            while _stamps(files) in (seen, None):
                if child and os.waitpid(child, os.WNOHANG)[0]:
                    child = 0
                    call.report.note(f"waiting for a change of {call.values['script']}")
                time.sleep(INTERVAL_SECONDS)
            if child:
                os.kill(child, signal.SIGTERM)
                os.waitpid(child, 0)
    except KeyboardInterrupt:
        if child:
            os.waitpid(child, 0)
        return 130


def _stamps(files: "list[str]") -> "list[tuple[int, int, int]] | None":
    """What changes when a file is written or replaced; None while one is missing."""
    try:
        return [(state.st_mtime_ns, state.st_size, state.st_ino) for state in map(os.stat, files)]
    except OSError:
        return None
