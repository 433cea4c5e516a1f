"""`Call`: one command line while it is carried out, from the global options to the exit status."""

from llmspell.cli.report import Report
from llmspell.errors import BadArgument, Interrupted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmspell.config import Config
    from llmspell.runtime import Runtime


class Call:
    """The values of one command line and where its output goes.

    `sources` are the texts of scripts by file name, for the excerpts in error messages.
    """

    def __init__(self, values: "dict[str, Any]") -> None:
        self.values = values
        self.report = Report(values["output"], quiet=values["quiet"], debug=values["debug"])
        self.sources: dict[str, bytes] = {}

    def config(self, *, allow_unbuilt: bool = False) -> "Config":
        """The configuration that the global options name. Raises ConfigError, and NotEnabled unless `allow_unbuilt`."""
        from llmspell.config import load

        return load(
            self.values["config"],
            profile=self.values["profile"],
            overrides={"default_engine": self.values["engine"]} if self.values["engine"] else None,
            allow_unbuilt=allow_unbuilt,
        )

    def runtime(self, *, principal: str | None = None) -> "Runtime":
        """A runtime of its own for this call, with the store open; the caller closes it."""
        from llmspell.runtime import Runtime

        values = self.values
        return Runtime(
            self.config(),
            principal=principal,
            log_format=values["log_format"] or "text",
            log_level="error" if values["quiet"] else "debug" if values["verbose"] or values["debug"] else "info",
        )


def perform(values: "dict[str, Any]", action: "Callable[[Call], int | None]") -> int:
    """Carry out a command; its exit status. Whatever it raises becomes a report.

    When the reader of standard output has gone (`| head`), the command ends quietly.
    """
    call = Call(values)
    try:
        if values["quiet"] and values["verbose"]:
            raise BadArgument("--quiet and --verbose exclude each other", exit_status=2)
        return action(call) or 0
    except BrokenPipeError:
        call.report.discard_output()
        return 0
    except KeyboardInterrupt:
        return call.report.failure(Interrupted("interrupted"))
    except Exception as error:
        return call.report.failure(error, call.sources)
