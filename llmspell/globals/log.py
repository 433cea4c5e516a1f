"""`Log`: structured log lines on standard error."""

from llmspell.surface.model import Anything, Global

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Sink = Callable[[str, str, dict[str, Any]], None]


class Log(Global):
    """A structured log on standard error: one line a call, as text or, with `--log-format json`, as JSON."""

    name = "Log"

    def __init__(self, sink: "Sink") -> None:
        self._sink = sink

    def debug(self, message: str, fields: dict[str, Anything] | None = None) -> None:
        """Log what helps to find a mistake; shown with `--verbose` only."""
        self._sink("debug", message, fields or {})

    def info(self, message: str, fields: dict[str, Anything] | None = None) -> None:
        """Log what happens in the normal course."""
        self._sink("info", message, fields or {})

    def warn(self, message: str, fields: dict[str, Anything] | None = None) -> None:
        """Log what someone should look at."""
        self._sink("warn", message, fields or {})

    def error(self, message: str, fields: dict[str, Anything] | None = None) -> None:
        """Log a failure."""
        self._sink("error", message, fields or {})
