"""`llmspell state …`: what scripts do with State, from the shell. Values are JSON with the tags of `llmspell.values`."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from llmspell import values
from llmspell.cli import transfer
from llmspell.cli.app import command, group
from llmspell.cli.call import Call
from llmspell.cli.report import readable
from llmspell.errors import BadArgument, BadValue, NotFound
from llmspell.globals.state import State
from llmspell.surface.host import plain

FOLLOW_SECONDS = 3600.0
CHANGE_COLUMNS = ("version", "at", "op", "scope", "key")

Scope = Annotated[str, typer.Argument(metavar="SCOPE", help="The scope, such as global or user:ann.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="The key.")]
Prefix = Annotated[str, typer.Option("--prefix", metavar="TEXT", help="Only keys that begin with this.")]
Limit = Annotated[int | None, typer.Option("-l", "--limit", metavar="N", min=0, help="At most so many.")]
Since = Annotated[str | None, typer.Option("--since", metavar="MOMENT", help="Only after this version or time.")]
IfVersion = Annotated[
    int | None, typer.Option("--if-version", metavar="N", help="Only if the value has this version; 0: is not there.")
]


class Asked:
    """The global `State` as commands use it: the same functions, with results as plain values."""

    def __init__(self, call: Call) -> None:
        self.runtime = call.runtime()
        self.manager = self.runtime.state
        self.state = State(self.manager, _wait)

    def __call__(self, name: str, *arguments: Any, **options: Any) -> Any:
        function = next(each for each in State.functions if each.name == name)
        return plain(getattr(self.state, function.python)(*arguments, **options), function.result)


@contextmanager
def asking(call: Call) -> Iterator[Asked]:
    """The state of the configured store, which is closed at the end."""
    asked = Asked(call)
    with asked.runtime:
        if not asked.manager.store.info()["persistent"]:
            call.report.note("note: the state is in memory and ends with this command; -c or -p names another")
        yield asked


def _wait(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def add_to(app: typer.Typer) -> None:
    """Add the group `state`."""
    state = group(app, "state", "Look at the stored values and change them.")
    for name, function in COMMANDS.items():
        command(state, name)(function)


def get(
    call: Call,
    scope: Scope,
    key: Key,
    at: Annotated[str | None, typer.Option("--at", metavar="MOMENT", help="As it was at this version or time.")] = None,
) -> None:
    """Print a value as JSON; exit status 10 when there is none."""
    with asking(call) as ask:
        manager = ask.manager
        payload = manager.load(scope, key) if at is None else manager.load_at(scope, key, moment(at))
        if payload is None:
            raise NotFound(f"there is no value '{key}' in scope '{scope}'")
        call.report.value(readable(payload))


def set_(
    call: Call,
    scope: Scope,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The value as JSON; - reads it from standard input.")],
    ttl: Annotated[float | None, typer.Option("--ttl", metavar="S", help="Expires after so many seconds.")] = None,
    class_: Annotated[
        str | None, typer.Option("--class", metavar="CLASS", help="trusted, standard, or external.")
    ] = None,
    if_version: IfVersion = None,
) -> None:
    """Store a value; null deletes. A negative number or other JSON that begins with a dash goes after --."""
    text = sys.stdin.buffer.read() if value == "-" else value.encode("utf-8", "surrogateescape")
    try:
        payload = values.encode(values.load_json(text))
    except BadValue as error:
        hint = "text needs quotes of its own: '\"like this\"'"
        raise BadArgument(f"VALUE is {error.message}", hint=hint, exit_status=2) from None
    with asking(call) as ask:
        ask.manager.save(scope, key, payload, ttl=ttl, class_=class_, if_version=if_version)
    _done(call)


def delete(call: Call, scope: Scope, key: Key, if_version: IfVersion = None) -> None:
    """Remove a value; exit status 10 when there is none."""
    with asking(call) as ask:
        if not ask.manager.delete(scope, key, if_version=if_version):
            raise NotFound(f"there is no value '{key}' in scope '{scope}'")
    _done(call)


def keys(
    call: Call,
    scope: Scope,
    prefix: Prefix = "",
    after: Annotated[str | None, typer.Option("--after", metavar="KEY", help="Go on behind this key.")] = None,
    limit: Limit = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="From the last to the first.")] = False,
) -> None:
    """List the keys of a scope."""
    with asking(call) as ask:
        call.report.result(ask("list_keys", scope, prefix=prefix, after=after, limit=limit, reverse=reverse))


def scopes(call: Call, prefix: Prefix = "") -> None:
    """List the scopes that hold something."""
    with asking(call) as ask:
        call.report.result(ask("list_scopes", prefix=prefix))


def count(call: Call, scope: Scope, prefix: Prefix = "") -> None:
    """Count the keys of a scope."""
    with asking(call) as ask:
        call.report.result(ask("count", scope, prefix=prefix))


def history(call: Call, scope: Scope, key: Key, limit: Limit = None, since: Since = None) -> None:
    """List the changes of one key, newest first, as far back as the journal reaches."""
    with asking(call) as ask:
        call.report.result(ask("history", scope, key, limit=limit, since=None if since is None else moment(since)))


def changes(
    call: Call,
    scope: Annotated[str | None, typer.Option("--scope", metavar="SCOPE", help="Only of this scope.")] = None,
    prefix: Prefix = "",
    correlation: Annotated[
        str | None, typer.Option("--correlation", metavar="ID", help="Only what has this correlation id.")
    ] = None,
    since: Since = None,
    limit: Limit = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what changes from now on, until Ctrl-C.")
    ] = False,
) -> int:
    """List what changed, oldest first; with --follow a line (in JSON: a document) for each change."""
    position: Any = 0 if since is None else moment(since)
    which = {"scope": scope, "prefix": prefix, "correlation_id": correlation}
    with asking(call) as ask:
        if not follow:
            found = ask("changes", since=position, limit=limit, **which)["changes"]
            call.report.result(_without_correlation(call, found))
            return 0
        try:
            while limit is None or limit > 0:
                answer = ask("changes", since=position, limit=limit, timeout=FOLLOW_SECONDS, **which)
                position = answer["next"]
                for change in _without_correlation(call, answer["changes"]):
                    call.report.line(change)
                limit = None if limit is None else limit - len(answer["changes"])
        except KeyboardInterrupt:
            return 130
    return 0


def stats(call: Call) -> None:
    """Print figures about the store and what it holds."""
    with asking(call) as ask:
        names = ask.manager.list_scopes()
        facts = {
            "backend": ask.manager.store.name,
            "scopes": len(names),
            "keys": sum(ask.manager.count(name) for name in names),
            "version": ask.manager.version(),
            **ask.manager.store.info(),
        }
        call.report.result(facts)


def export(
    call: Call,
    scope: Annotated[str | None, typer.Option("--scope", metavar="SCOPE", help="Only this scope.")] = None,
    prefix: Prefix = "",
) -> None:
    """Print everything as JSON lines with scope, key, value and what is known about it: one consistent snapshot."""
    with asking(call) as ask:
        for line in transfer.export(ask.manager, scope, prefix):
            call.report.write(values.dump_json(line)[1:] + b"\n")


def import_(
    call: Call,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON lines as export writes them; - is standard input.")],
) -> None:
    """Store what an export holds, all of it or nothing. What has expired since is left out."""
    if file == "-":
        lines = sys.stdin.buffer.readlines()
    else:
        try:
            with open(file, "rb") as stream:
                lines = stream.readlines()
        except OSError as error:
            raise BadArgument(f"cannot read '{file}': {error.strerror}", exit_status=2) from None
    with asking(call) as ask:
        call.report.result(transfer.import_lines(ask.manager, lines))


COMMANDS: dict[str, Callable[..., int | None]] = {
    "get": get,
    "set": set_,
    "delete": delete,
    "keys": keys,
    "scopes": scopes,
    "count": count,
    "history": history,
    "changes": changes,
    "stats": stats,
    "export": export,
    "import": import_,
}


def moment(text: str) -> int | float | str:
    """A moment from the command line: a version or Unix seconds when it is a number, else RFC 3339 text."""
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            continue
    return text


def _without_correlation(call: Call, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """In text, the columns that people read; programs get all."""
    if call.report.output != "text":
        return found
    return [{name: change[name] for name in CHANGE_COLUMNS} for change in found]


def _done(call: Call) -> None:
    """A command without a result: nothing in text, and in JSON the one document that is promised."""
    if call.report.is_json:
        call.report.value(None)
