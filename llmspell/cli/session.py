"""`llmspell session …`: look at sessions, fork, export, import and delete them."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmspell.cli.app import command, group
from llmspell.cli.backup import document, progress
from llmspell.cli.call import Call
from llmspell.cli.replay import replay
from llmspell.globals import session as shown

if TYPE_CHECKING:
    from llmspell.sessions.sessions import Sessions

COLUMNS = ("id", "name", "status", "created_at", "operation_count", "checkpoint_count", "artifact_count")
ENTRY_COLUMNS = ("seq", "at", "kind")
FOLLOW_SECONDS = 0.05

Id = Annotated[str, typer.Argument(metavar="ID", help="The id of the session, as `session list` shows it.")]
Name = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="The name of the new session.")]
CheckpointOption = Annotated[
    str | None, typer.Option("--checkpoint", metavar="ID", help="As it was at this checkpoint (id or label).")
]


def add_to(app: typer.Typer) -> None:
    """Add the group `session`."""
    session = group(app, "session", "Look at sessions, fork, replay, export, import and delete them.")
    for name, function in COMMANDS.items():
        command(session, name)(function)


@contextmanager
def opened(call: Call) -> "Iterator[Sessions]":
    """The sessions of the configured store, which is closed at the end."""
    with call.runtime() as runtime:
        sessions = runtime.sessions
        if not sessions.home.store.info()["persistent"]:
            call.report.note(
                "note: the sessions are in memory and end with this command; -c or -p names a store on disk"
            )
        yield sessions


def list_(
    call: Call,
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="STATUS", help="Of this status, or all; else the active and suspended ones."),
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TEXT", help="With this tag; may be repeated.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="With this in name or description.")
    ] = None,
    parent: Annotated[str | None, typer.Option("--parent", metavar="ID", help="Those of this parent.")] = None,
    limit: Annotated[int | None, typer.Option("-l", "--limit", metavar="N", min=0, help="At most so many.")] = None,
) -> None:
    """List sessions, oldest first; with -v, everything that is known about each."""
    with opened(call) as sessions:
        found = sessions.list(status=status, tags=tags or (), text=text, parent_session_id=parent, limit=limit)
        rows = [document(shown.describe(each)) for each in found]
    if call.report.output == "text" and not call.values["verbose"]:
        rows = [{name: row.get(name) for name in COLUMNS} for row in rows]
    call.report.result(rows)


def show(call: Call, session_id: Id) -> None:
    """Show what is known about a session; exit status 10 when there is none of this id."""
    with opened(call) as sessions:
        call.report.result(document(shown.describe(sessions.get(session_id))))


def timeline(
    call: Call,
    session_id: Id,
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", metavar="KIND", help="Only entries of this kind; may be repeated.")
    ] = None,
    since: Annotated[int, typer.Option("--since", metavar="SEQ", min=0, help="Only after this number.")] = 0,
    limit: Annotated[int | None, typer.Option("-l", "--limit", metavar="N", min=0, help="At most so many.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")] = False,
) -> None:
    """Show what happened in a session, oldest first."""
    with opened(call) as sessions:
        if not follow:
            found = sessions.timeline(session_id, kinds=kinds, since=since, limit=limit)
            call.report.result([_readable(call, shown.describe_entry(entry)) for entry in found])
            return
        store, seen = sessions.home.store, -1
        while limit is None or limit > 0:
            generation = store.generation()  # asked before looking: what comes in between is looked for again
            if generation == seen:
                time.sleep(FOLLOW_SECONDS)
                continue
            seen = generation
            for entry in sessions.timeline(session_id, kinds=kinds, since=since, limit=limit):
                call.report.line(_readable(call, shown.describe_entry(entry)))
                since = entry.seq
                limit = None if limit is None else limit - 1


def checkpoints(call: Call, session_id: Id) -> None:
    """List the checkpoints of a session, oldest first."""
    with opened(call) as sessions:
        call.report.result([document(shown.describe_checkpoint(each)) for each in sessions.checkpoints(session_id)])


def fork(call: Call, session_id: Id, checkpoint: CheckpointOption = None, name: Name = None) -> None:
    """Start a new session from another one, and print its id."""
    with opened(call) as sessions:
        _print_id(call, sessions.fork(session_id, checkpoint=checkpoint, name=name))


def export(
    call: Call,
    session_id: Id,
    target: Annotated[str, typer.Option("-o", "--to", metavar="FILE", help="Where to write it.")],
) -> None:
    """Write a session into one file: its state, checkpoints, timeline and artifacts."""
    from llmspell.sessions.transfer import export as write

    with opened(call) as sessions, progress(call, "exporting") as tick:
        write(sessions, session_id, target, progress=tick)
    facts = {"id": session_id, "file": target, "bytes": os.path.getsize(target)}
    if call.report.output == "text":
        call.report.note(f"{session_id} is in {target} ({facts['bytes']} bytes)")
    else:
        call.report.result(facts)


def import_(
    call: Call,
    file: Annotated[str, typer.Argument(metavar="FILE", help="What `session export` has written.")],
    as_new: Annotated[
        bool, typer.Option("--as-new", help="Import it as another session, with an id of its own.")
    ] = False,
) -> None:
    """Put an exported session into the store, and print its id. A damaged file changes nothing (exit status 4)."""
    from llmspell.sessions.transfer import import_ as read

    with opened(call) as sessions, progress(call, "importing") as tick:
        imported = read(sessions, file, as_new=as_new, progress=tick)
    _print_id(call, imported)


def delete(
    call: Call,
    session_id: Id,
    force: Annotated[bool, typer.Option("--force", help="Also when it is active.")] = False,
) -> None:
    """Delete a session with its state, checkpoints, timeline and artifacts."""
    with opened(call) as sessions:
        sessions.delete(session_id, force=force)
    if call.report.output != "text":
        call.report.result({"deleted": session_id})


COMMANDS: dict[str, Callable[..., int | None]] = {
    "list": list_,
    "show": show,
    "timeline": timeline,
    "checkpoints": checkpoints,
    "fork": fork,
    "replay": replay,
    "export": export,
    "import": import_,
    "delete": delete,
}


def _print_id(call: Call, session_id: str) -> None:
    if call.report.output == "text":
        call.report.text(f"{session_id}\n")
    else:
        call.report.result({"id": session_id})


def _readable(call: Call, entry: dict[str, Any]) -> dict[str, Any]:
    """An entry as people read it: number, time and kind, then what it says."""
    if call.report.output != "text":
        return entry
    rest = {name: value for name, value in entry.items() if name not in (*ENTRY_COLUMNS, "correlation_id")}
    told = " ".join(f"{name}={value}" for name, value in rest.items())
    return {**{name: entry[name] for name in ENTRY_COLUMNS}, "what": told}
