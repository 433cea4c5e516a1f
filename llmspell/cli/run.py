"""`run` and `exec`: read the script, run it under watch, print its result."""

import gc
import time

from llmspell.cli.call import Call, perform
from llmspell.cli.report import readable
from llmspell.cli.watch import Watch, leave
from llmspell.errors import BadArgument, LlmspellError
from llmspell.languages.language import ScriptExit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LARGEST = 64 << 20
"""The most bytes that a script may have: more is a device or a mistake."""
LONGEST_TIMEOUT = 10**9
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NULLS = (b"\xc0", b"null")
"""What follows the first byte of a payload without a value. Decoding it would import a decoder, at 3 ms."""


def run(given: "dict[str, Any]") -> int:
    """The command `run`; its exit status."""
    if given["watch"]:
        from llmspell.cli.rerun import rerun

        return perform(given, lambda call: rerun(call, _run_file))
    return perform(given, _run_file)


def execute(given: "dict[str, Any]") -> int:
    """The command `exec`; its exit status."""
    return perform(given, lambda call: _run(call, call.values["code"].encode("utf-8", "surrogateescape"), "exec"))


def _run_file(call: Call) -> int:
    path = call.values["script"]
    name = "stdin" if path == "-" else path
    return _run(call, read_script(path), name)


def _run(call: Call, source: bytes, name: str) -> int:
    """Run `source` with a runtime of its own; the exit status. Raises LlmspellError."""
    given, report = call.values, call.report
    check_text(source, name)
    source = source.removeprefix(BYTE_ORDER_MARK)
    call.sources[name] = source
    _check_options(given)
    if report.is_json:
        report.reserve_output()
    runtime = call.runtime(principal=given["principal"])
    timeout = runtime.timeout if given["timeout"] is None else given["timeout"]

    def give_up(error: LlmspellError) -> None:
        leave(report.failure(error), runtime.flush)

    started = time.perf_counter()
    status, payload = 0, None
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    with Watch(runtime.interrupt, give_up, timeout=timeout) as watch:
        try:
            payload = runtime.run(source, name=name, args=given["args"], session_id=given["session"])
        except ScriptExit as end:
            status = end.status
        finally:
            watch.end()
            runtime.close()
    duration = time.perf_counter() - started
    result = None if payload is None or payload[1:] in NULLS else readable(payload)
    if report.is_json:
        report.value({"result": result, "duration_ms": round(duration * 1000, 3)})
    elif isinstance(result, (str, bytes)):
        report.write((result.encode() if isinstance(result, str) else result) + b"\n")
    elif result is not None:
        report.value(result)
    return status


def read_script(path: str) -> bytes:
    """The text of a script; `-` is standard input. Raises BadArgument, exit 2, when it cannot be read."""
    try:
        with open(0 if path == "-" else path, "rb", closefd=path != "-") as file:
            source = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise BadArgument(f"there is no script '{path}'", exit_status=2) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadArgument(f"cannot read the script '{path}': {reason}", exit_status=2) from None
    if len(source) > LARGEST:
        raise BadArgument(f"the script '{path}' is larger than {LARGEST >> 20} MiB", exit_status=2)
    return source


def check_text(source: bytes, name: str) -> None:
    """Raise BadArgument, exit 2, unless `source` is UTF-8."""
    try:
        source.decode()
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise BadArgument(
            f"the script '{name}' is not UTF-8 text (byte 0x{source[error.start]:02x} in line {line})",
            hint="save it as UTF-8",
            exit_status=2,
        ) from None


def _check_options(given: "dict[str, Any]") -> None:
    if given["timeout"] is not None and not 0 <= given["timeout"] <= LONGEST_TIMEOUT:
        raise BadArgument(f"--timeout must be 0 to {LONGEST_TIMEOUT} seconds", exit_status=2)
    for number, argument in enumerate(given["args"], 1):
        if not argument.isascii() and argument.encode("utf-8", "replace").decode() != argument:
            raise BadArgument(f"argument {number} of the script is not UTF-8 text", exit_status=2)
