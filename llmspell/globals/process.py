"""The bare functions: `sleep`, and what the preludes provide themselves."""

from llmspell.errors import BadArgument, Interrupted
from llmspell.surface.model import Global, Native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Process(Global):
    """What stands beside the globals under no name of its own."""

    name = "Process"
    is_bare = True
    natives = (
        Native(
            "print",
            "Writes the values to standard output, tables and objects readably, and ends the line.",
            luacats="fun(...: any)",
            typescript="(...values: unknown[]) => void",
        ),
        Native(
            "console",
            "`log` and `info` write to standard output like `print`; `warn`, `error` and `debug` to standard error.",
            typescript="{ readonly [name in 'log' | 'info' | 'warn' | 'error' | 'debug']: (...values: unknown[]) => void }",
        ),
        Native("args", "The script's arguments.", luacats="string[]", typescript="string[]"),
        Native(
            "arg",
            "The script's arguments, as Lua has them: `arg[0]` is the script's path.",
            luacats="table<integer, string>",
        ),
        Native(
            "require",
            """The result of a Lua file beside the script or in `package_paths`, run once. Needs file access granted for it.""",
            luacats="fun(name: string): any",
        ),
        Native(
            "exit",
            "Ends the script now with an exit status of 0 to 255. Nothing catches it; an open transaction is undone.",
            typescript="(status?: number) => never",
        ),
    )

    def __init__(self, wait: "Callable[[float], bool]") -> None:
        self._wait = wait

    def sleep(self, seconds: float) -> None:
        """Wait that many seconds; fractions count. Ctrl-C and time limits end it at once."""
        if seconds < 0:
            raise BadArgument(f"seconds must be 0 or more, got {seconds:g}")
        if self._wait(seconds):
            raise Interrupted("interrupted while waiting")
