"""The entry point. `run` and `exec` take a path that imports little; everything else goes to the Typer app."""

import gc
import os
import sys

from llmspell.cli.options import COMPLETION_VARIABLE, parse, spell_out

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def main(argv: "Sequence[str] | None" = None) -> int:
    """Carry out a command line, without the program's name; the exit status. Prints, and raises nothing."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    _hold_standard_streams()
    parsed = None if COMPLETION_VARIABLE in os.environ else parse(arguments)
    if parsed is None:
        from llmspell.cli.app import dispatch

        return dispatch(spell_out(arguments))
    from llmspell.cli.run import execute, run

    command, given = parsed
    return run(given) if command == "run" else execute(given)


def entry() -> "NoReturn":
    """The program: carry out the command line of this process and end it.

    It ends without the interpreter's clean-up, which takes longer than the rest of a short script: what a command opened
    it has closed, and nothing is left but memory.
    """
    gc.disable()  # until the script runs: nothing that is made before is garbage
    try:
        status = main()
    except KeyboardInterrupt:  # while the rest of the program was being imported
        status = 130
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        from llmspell.cli.report import Report, unwritable

        if not isinstance(error, BrokenPipeError):
            status = Report().failure(unwritable(error))
    os._exit(status)


def _hold_standard_streams() -> None:
    """Open what the caller closed (`>&-`): else the store's file would become standard output, and take the prints."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
