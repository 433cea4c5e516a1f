"""What the command line prints: results, notes and errors, as text, JSON or indented JSON.

Standard output carries results alone. With `--output json` it holds exactly one JSON document, also on failure. All of
it is written as UTF-8 whatever the locale says, because scripts and values are.
"""

import os
import select
import sys

from llmspell import values
from llmspell.errors import InternalError, LlmspellError, ScriptError, StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

EXCERPT_WIDTH = 100
SCRIPT_SUFFIXES = (".lua", ".js", ".mjs")
CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


class Report:
    """Where one command line puts what it has to say. `output` is text, json or pretty."""

    def __init__(self, output: str | None = None, *, quiet: bool = False, debug: bool = False) -> None:
        self.output = output or "text"
        self.quiet = quiet
        self.debug = debug
        self.stdout = 1

    @property
    def is_json(self) -> bool:
        return self.output == "json"

    def reserve_output(self) -> None:
        """Keep standard output for the one JSON document: whatever else is written to it goes to standard error."""
        if sys.stdout is not None:
            sys.stdout.flush()
        self.stdout = os.dup(1)
        os.dup2(2, 1)

    def write(self, data: bytes) -> None:
        """Put `data` on standard output. Raises BrokenPipeError when the reader has gone, StorageError on a full disk."""
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self.stdout, view) :]
            except BlockingIOError:
                select.select([], [self.stdout], [])
            except BrokenPipeError:
                raise
            except OSError as error:
                raise unwritable(error) from None

    def discard_output(self) -> None:
        """From now on standard output leads nowhere."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stdout, inheritable=self.stdout == 1)
        os.close(nowhere)

    def value(self, value: "Any") -> None:
        """A result that is a value of scripts: JSON with the tags of `llmspell.values`, indented with `pretty`."""
        self.write(values.dump_json(value, indent=2 if self.output == "pretty" else None)[1:] + b"\n")

    def result(self, value: "Any") -> None:
        """A result for people: in text, a list is a line each, records are a table, and facts are aligned."""
        if self.output != "text":
            self.value(value)
        else:
            self.write("".join(line + "\n" for line in as_text(value)).encode("utf-8", "surrogateescape"))

    def line(self, record: "dict[str, Any]") -> None:
        """One record of a stream: a line in text, one document in JSON."""
        if self.output == "text":
            self.text("  ".join(_cell(item) for item in record.values()) + "\n")
        else:
            self.value(record)

    def document(self, text: str, *, is_json: bool = False) -> None:
        """A whole text, such as a generated file; in JSON it becomes a string, unless it is JSON itself."""
        if self.is_json and not is_json:
            self.value(text)
        else:
            self.text(text)

    def text(self, text: str) -> None:
        """Text as it is."""
        self.write(text.encode("utf-8", "surrogateescape"))

    def note(self, text: str) -> None:
        """Something worth knowing, on standard error, unless `--quiet`."""
        if not self.quiet:
            complain(text)

    def failure(self, error: BaseException, sources: "dict[str, bytes] | None" = None) -> int:
        """Say what went wrong; the exit status. `sources` are the texts of scripts, by file, for the excerpt."""
        problem = error if isinstance(error, LlmspellError) else unexpected(error)
        if self.debug:
            import traceback

            complain("".join(traceback.format_exception(error)).rstrip("\n"))
        complain("\n".join(explain(problem, sources or {}, wants_colour=_wants_colour())))
        if self.is_json:
            try:
                self.value({"error": as_document(problem)})
            except (BrokenPipeError, StorageError):
                return problem.exit_status  # nobody can read the document; the exit status still tells
        return problem.exit_status


def readable(payload: bytes) -> "Any":
    """The value of a payload. Lua's tables have no order, so their keys are sorted: the same output every time."""
    value = values.decode(payload)
    return _in_order(value) if payload[:1] == values.MSGPACK else value


def _in_order(value: "Any") -> "Any":
    """The value with the keys of all maps sorted, integers first."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value, key=lambda key: (type(key) is str, key))}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


def unexpected(error: BaseException) -> InternalError:
    """The error that stands for a mistake of ours."""
    return InternalError(f"an unexpected {type(error).__name__}: {error}")


def unwritable(error: OSError) -> StorageError:
    """The error for output that a full disk, say, refuses."""
    return StorageError(f"cannot write to standard output: {error.strerror}")


def complain(text: str) -> None:
    """Put text on standard error. Where that is closed or full there is nobody left to tell."""
    try:
        os.write(2, text.encode("utf-8", "backslashreplace") + b"\n")
    except OSError:
        return


def as_document(error: LlmspellError) -> "dict[str, Any]":
    """An error as programs get it."""
    return {
        "code": error.code,
        "message": _plain(str(error)),
        "hint": _plain(error.hint) or None,
        "exit_status": error.exit_status,
    }


def explain(error: LlmspellError, sources: "dict[str, bytes]", *, wants_colour: bool = False) -> "list[str]":
    """An error as people get it: the sentence, where in the script, the script's stack, the remedy."""
    red, bold, end = ("\x1b[31;1m", "\x1b[1m", "\x1b[0m") if wants_colour else ("", "", "")
    lines = [f"{red}error:{end} {bold}{_visible(str(error))}{end}"]
    if isinstance(error, ScriptError):
        lines += _excerpt(error, sources)
        if len(error.stack) > 1:
            lines.append("  stack:")
            lines += ["    " + _visible(frame.strip()) for frame in error.stack]
    if error.hint:
        lines.append("  hint: " + _visible(error.hint))
    return lines


def _excerpt(error: ScriptError, sources: "dict[str, bytes]") -> "list[str]":
    """The line of the script and a caret under the place; only the position when the text is not at hand."""
    if not error.file or error.line < 1:
        return []
    head = f"  {_visible(error.file)}:{error.line}"
    source = sources.get(error.file)
    text = _line(_module(error.file) if source is None else source, error.line)
    if not text.strip():
        return [head]
    indent = len(text) - len(text.lstrip())
    # The name of the call says more than a column, where the line has it once.
    if error.call and text.count(error.call) == 1:
        caret, width = text.find(error.call), len(error.call)
    else:
        caret, width = (error.column - 1 if indent < error.column <= len(text) else indent), 1
    start = indent if caret - indent < EXCERPT_WIDTH - 20 else caret - EXCERPT_WIDTH // 2
    shown = _visible(text[start : start + EXCERPT_WIDTH].replace("\t", " "))
    return [f"{head}  {shown}", " " * (len(head) + 2 + caret - start) + "^" * width]


def _module(path: str) -> bytes:
    """The text of a module that the script loaded. Only of files that are scripts: the name comes from the script."""
    if not path.endswith(SCRIPT_SUFFIXES):
        return b""
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError):
        return b""


def _line(source: bytes, number: int) -> str:
    lines = source.split(b"\n", number)
    return lines[number - 1].rstrip().decode("utf-8", "replace") if number <= len(lines) else ""


def as_text(value: "Any") -> "Iterable[str]":
    """Lines for people and for `cut` and `grep`."""
    if isinstance(value, dict):
        width = max((len(str(key)) for key in value), default=0)
        for key, item in value.items():
            yield f"{key!s:{width}}  {_cell(item)}".rstrip()
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        yield from _table(value)
    elif isinstance(value, list):
        yield from (_cell(item) for item in value)
    else:
        yield _cell(value)


def _table(rows: "list[dict[str, Any]]") -> "Iterable[str]":
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    for line in cells:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()


def _cell(value: "Any") -> str:
    """One value on one line: text as it is, with control characters made visible; all else as JSON."""
    if isinstance(value, str):
        return _visible(value).replace("\n", "\\n")
    return "" if value is None else values.dump_json(value)[1:].decode()


def _visible(text: str) -> str:
    """Without control characters: text out of a script or a store must not steer the terminal."""
    return text.translate(CONTROL)


def _plain(text: str) -> str:
    """Without what cannot be UTF-8, such as the bytes of a file name."""
    return text.encode("utf-8", "backslashreplace").decode()


def _wants_colour() -> bool:
    return os.isatty(2) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
