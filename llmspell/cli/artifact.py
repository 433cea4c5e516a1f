"""`llmspell artifact …`: look at artifacts, put files in, take them out, and keep their store tidy."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from llmspell.artifacts.artifact import parse_id
from llmspell.cli.app import command, group
from llmspell.cli.backup import document, progress
from llmspell.cli.call import Call
from llmspell.cli.report import complain
from llmspell.cli.state import moment
from llmspell.errors import BadArgument, Corrupt
from llmspell.globals import artifact as shown
from llmspell.state import moment as moments
from llmspell.state.limits import size_text

if TYPE_CHECKING:
    from llmspell.artifacts.artifact import Artifact
    from llmspell.artifacts.artifacts import Artifacts

COLUMNS = ("id", "name", "version", "artifact_type", "size", "created_at", "tags")

Id = Annotated[str, typer.Argument(metavar="ARTIFACT", help="The id of the artifact, as `artifact list` shows it.")]
Limit = Annotated[int | None, typer.Option("-l", "--limit", metavar="N", min=0, help="At most so many.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", metavar="TEXT", help="With this tag; may be repeated.")]
Type = Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Of this type.")]


def add_to(app: typer.Typer) -> None:
    """Add the group `artifact`."""
    artifact = group(app, "artifact", "Look at artifacts, put files in, take them out, and collect what nobody needs.")
    for name, function in COMMANDS.items():
        command(artifact, name)(function)


@contextmanager
def opened(call: Call) -> "Iterator[Artifacts]":
    """The artifacts of the configured store, which is closed at the end."""
    with call.runtime() as runtime:
        artifacts = runtime.artifacts
        if not artifacts.manager.store.info()["persistent"]:
            call.report.note(
                "note: the artifacts are in memory and end with this command; -c or -p names a store on disk"
            )
        yield artifacts


def list_(
    call: Call,
    session: Annotated[str | None, typer.Option("--session", metavar="ID", help="Only those of this session.")] = None,
    type_: Type = None,
    tags: Tags = None,
    limit: Limit = None,
) -> None:
    """List artifacts: those of a session in its order, else the newest first; with -v, everything known about each."""
    with opened(call) as artifacts:
        if session is None:
            found = artifacts.query(type=type_, tags=tags or (), limit=limit)
        else:
            found = artifacts.list(session, type=type_, tags=tags or (), limit=limit)
    _show(call, found)


def info(call: Call, artifact: Id) -> None:
    """Show what is known about an artifact; exit status 10 when there is none of this id."""
    with opened(call) as artifacts:
        found = artifacts.info(None, _full(artifact))
    facts = document(shown.describe_whole(found))
    if call.report.output == "text":
        facts = {"id": found.id, **{name: value for name, value in facts.items() if name not in ("id", "metadata")}}
    call.report.result(facts)


def cat(call: Call, artifact: Id) -> None:
    """Write the content of an artifact to standard output; in JSON, as one text or bytes."""
    with opened(call) as artifacts:
        if call.report.is_json:
            call.report.value(artifacts.read(None, _full(artifact)))
            return
        with artifacts.stream(None, _full(artifact)) as (_, pieces):
            for piece in pieces:
                call.report.write(piece)


def save(
    call: Call,
    artifact: Id,
    target: Annotated[
        str | None, typer.Option("-o", "--to", metavar="FILE", help="Where to; else a file of the artifact's name.")
    ] = None,
) -> None:
    """Write the content of an artifact into a file, all of it or nothing."""
    with opened(call) as artifacts:
        found = artifacts.info(None, _full(artifact))
        path = found.name if target is None else target
        if target is None and (os.sep in path or path in (".", "..") or os.path.lexists(path)):
            raise BadArgument(
                f"there is a file '{path}' already, or no file can have that name", hint="name one with -o"
            )
        with progress(call, "writing", lambda: found.size) as tick:
            size = artifacts.save_to(None, found, path, progress=tick)
    if call.report.output == "text":
        call.report.note(f"{found.id} is in {path} ({size_text(size)})")
    else:
        call.report.result({"id": found.id, "file": path, "bytes": size})


def delete(call: Call, artifact: Id) -> None:
    """Delete an artifact; its bytes go with the next `artifact gc`, once nothing needs them."""
    with opened(call) as artifacts:
        artifacts.delete(None, _full(artifact))
    if call.report.output != "text":
        call.report.result({"deleted": artifact})


def put(
    call: Call,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file; - is standard input.")],
    session: Annotated[str, typer.Option("--session", metavar="ID", help="The session that it is to belong to.")],
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="Its name; else that of the file.")] = "",
    type_: Annotated[str, typer.Option("--type", metavar="TYPE", help="Its type.")] = "user_input",
    mime_type: Annotated[str, typer.Option("--mime-type", metavar="TYPE", help="Its media type; else guessed.")] = "",
    description: Annotated[str, typer.Option("-d", "--description", metavar="TEXT", help="What it is.")] = "",
    tags: Annotated[list[str] | None, typer.Option("--tag", metavar="TEXT", help="A tag; may be repeated.")] = None,
) -> None:
    """Store a file as the next version of its name, and print its id."""
    known: dict[str, Any] = {"mime_type": mime_type, "description": description, "tags": tags or ()}
    with opened(call) as artifacts:
        if file == "-":
            blocks = iter(lambda: sys.stdin.buffer.read(1 << 20), b"")
            stored = artifacts.store_stream(session, type_, name or "stdin", blocks, **known)
        else:
            with progress(call, "storing", lambda: os.path.getsize(file) if os.path.isfile(file) else 0) as tick:
                stored = artifacts.store_file(session, file, type_, name=name, progress=tick, **known)
    if call.report.output == "text":
        call.report.text(f"{stored.id}\n")
        saved = f", {size_text(stored.shared)} of it were there before" if stored.shared else ""
        call.report.note(f"{size_text(stored.size)}, stored as {size_text(stored.stored_size)}{saved}")
    else:
        call.report.result(document(shown.describe_whole(stored)))


def query(
    call: Call,
    session: Annotated[str | None, typer.Option("--session", metavar="ID", help="Only of this session.")] = None,
    type_: Type = None,
    tags: Tags = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="PATTERN", help="With this in the name; * and ? make it a pattern.")
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", metavar="TEXT", help="With this in name, description or content.")
    ] = None,
    after: Annotated[str | None, typer.Option("--after", metavar="TIME", help="Created after this time.")] = None,
    before: Annotated[str | None, typer.Option("--before", metavar="TIME", help="Created before this time.")] = None,
    min_size: Annotated[
        int | None, typer.Option("--min-size", metavar="BYTES", min=0, help="At least so large.")
    ] = None,
    max_size: Annotated[
        int | None, typer.Option("--max-size", metavar="BYTES", min=0, help="At most so large.")
    ] = None,
    limit: Limit = None,
) -> None:
    """List the artifacts that fit all of it, newest first, of all sessions or one."""
    with opened(call) as artifacts:
        found = artifacts.query(
            session_id=session,
            type=type_,
            tags=tags or (),
            name_pattern=name,
            text=text,
            created_after=None if after is None else moments.parse(moment(after)),
            created_before=None if before is None else moments.parse(moment(before)),
            min_size=min_size,
            max_size=max_size,
            limit=limit,
        )
    _show(call, found)


def gc(
    call: Call,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove the bytes that nothing needs any more: no artifact, no checkpoint, no upload that goes on."""
    with opened(call) as artifacts:
        done = artifacts.collect(dry_run=dry_run)
    facts = {"dry_run": dry_run, "pieces": done.pieces, "bytes": done.bytes, "uploads": done.uploads}
    call.report.result(facts)


def verify(call: Call) -> int:
    """Read every byte of every artifact and count every reference; exit status 4 when something is damaged."""
    with opened(call) as artifacts, progress(call, "reading") as tick:
        found = artifacts.verify(progress=tick)
    if call.report.output == "text":
        for problem in found.problems:
            complain(f"problem: {problem}")
        if found.problems:
            raise Corrupt(f"the artifacts have {len(found.problems)} problem{'s' * (len(found.problems) != 1)}")
    call.report.result(
        {
            "sound": not found.problems,
            "artifacts": found.artifacts,
            "pieces": found.pieces,
            "bytes": found.bytes,
            "problems": found.problems,
        }
    )
    return Corrupt.exit_status if found.problems else 0


COMMANDS: dict[str, Callable[..., int | None]] = {
    "list": list_,
    "info": info,
    "cat": cat,
    "save": save,
    "delete": delete,
    "put": put,
    "query": query,
    "gc": gc,
    "verify": verify,
}


def _full(artifact: str) -> str:
    """The id, in text form; raises BadArgument for a name, which says nothing without a session."""
    if parse_id(artifact) is None:
        raise BadArgument(
            f"'{artifact:.200}' is not the id of an artifact",
            hint="it looks like SESSION/SEQUENCE/HASH; `artifact list` shows the ids",
            exit_status=2,
        )
    return artifact


def _show(call: Call, found: "list[Artifact]") -> None:
    rows = [document(shown.describe_whole(each)) for each in found]
    if call.report.output == "text":
        for row, each in zip(rows, found, strict=True):
            row["id"] = each.id
            del row["metadata"]
        if not call.values["verbose"]:
            rows = [{name: row[name] for name in COLUMNS} for row in rows]
    call.report.result(rows)
