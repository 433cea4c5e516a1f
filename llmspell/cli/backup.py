"""`llmspell backup …`: make, look at, check and restore backups of the configured store."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Annotated, Any

import typer

from llmspell.cli.app import command, group
from llmspell.cli.call import Call
from llmspell.cli.report import complain
from llmspell.errors import Corrupt
from llmspell.globals import backup as shown
from llmspell.runtime import Runtime
from llmspell.state import moment
from llmspell.state.limits import size_text
from llmspell.surface.host import plain
from llmspell.surface.model import Record, Type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.backup.backups import Backups

COLUMNS = ("id", "created_at", "type", "entry_count", "size_bytes", "description")

Id = Annotated[str, typer.Argument(metavar="ID", help="The id of the backup, as `backup list` shows it.")]
Description = Annotated[str, typer.Option("-d", "--description", metavar="TEXT", help="What it is for.")]


def add_to(app: typer.Typer) -> None:
    """Add the group `backup`."""
    backup = group(app, "backup", "Make, check and restore backups of the store.")
    for name, function in COMMANDS.items():
        command(backup, name)(function)


@contextmanager
def opened(call: Call) -> "Iterator[Runtime]":
    """The runtime with the configured store, which is closed at the end."""
    with call.runtime() as runtime:
        if not runtime.state.store.info()["persistent"]:
            call.report.note("note: the state is in memory, so there is nothing to back up; -c or -p names another")
        yield runtime


def unopened(call: Call) -> "Backups":
    """The configured backups without the store: what needs it not works also when it is broken, or in use elsewhere."""
    from llmspell.runtime.backups import open_backups
    from llmspell.runtime.sessions import has_store_on_disk
    from llmspell.state.manager import StateManager
    from llmspell.storage.memory import MemoryStore

    config = call.config()
    sessions = StateManager(MemoryStore()) if has_store_on_disk(config) else None
    return open_backups(config, StateManager(MemoryStore()), sessions=sessions)


def create(
    call: Call,
    incremental: Annotated[
        bool, typer.Option("-i", "--incremental", help="Only what changed since the newest backup.")
    ] = False,
    description: Description = "",
) -> None:
    """Make a backup of everything and print its id. Scripts may go on writing meanwhile."""
    with opened(call) as runtime, progress(call, "backing up", lambda: _expected(runtime, incremental)) as tick:
        made = runtime.backups.create("incremental" if incremental else "full", description=description, progress=tick)
    for warning in made.warnings:
        call.report.note(f"note: {warning}")
    if call.report.output == "text":
        call.report.text(f"{made.id}\n")
        rate = made.size / max(made.duration, 1)
        call.report.note(
            f"{made.kind}, {made.values} values, {size_text(made.size)} stored as {size_text(made.total_bytes)}, {rate:.0f} MB/s"
        )
    else:
        call.report.result(document(shown.describe(made)))


def list_(
    call: Call,
    limit: Annotated[int | None, typer.Option("-l", "--limit", metavar="N", min=0, help="At most so many.")] = None,
) -> None:
    """List the backups, newest first; with -v, everything that is known about each."""
    backups = unopened(call)
    rows = [document(shown.describe(each)) for each in backups.list(limit)]
    _complain_about_damaged(backups)
    if call.report.output == "text":
        rows = [
            row if call.values["verbose"] else {name: row.get(name) for name in COLUMNS} for row in map(_readable, rows)
        ]
    call.report.result(rows)


def info(call: Call, backup_id: Id) -> None:
    """Show what is known about a backup; exit status 10 when there is none of this id."""
    facts = document(shown.describe(unopened(call).info(backup_id)))
    call.report.result(_readable(facts) if call.report.output == "text" else facts)


def validate(
    call: Call,
    backup_id: Id,
    restore_test: Annotated[
        bool, typer.Option("--restore-test", help="Also restore it into a scratch store, and compare.")
    ] = False,
) -> int:
    """Read every byte of a backup and of all that it builds on; exit status 4 when something is damaged."""
    backups = unopened(call)
    # A test fills a store with what was read, and reads it once more to compare.
    with progress(call, "reading", lambda: backups.content_bytes(backup_id) * (3 if restore_test else 1)) as tick:
        found = backups.validate(backup_id, restore_test=restore_test, progress=tick)
    facts = document(shown.describe_validation(found))
    if call.report.output == "text":
        for error in found.errors:
            complain(f"problem: {error}")
        found.raise_damage()
        call.report.text(f"{backup_id} is sound ({size_text(found.size)} read)\n")
    else:
        call.report.result(facts)
        if not found.is_valid:
            return Corrupt.exit_status
    return 0


def restore(
    call: Call,
    backup_id: Id,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    scope: Annotated[
        str | None, typer.Option("--scope", metavar="SCOPE", help="Only the values of this scope.")
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="PATH", help="Make a new store at this path; leave the configured one."),
    ] = None,
    skip_verify: Annotated[
        bool, typer.Option("--skip-verify", help="Do not read all that it builds on beforehand.")
    ] = False,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="Make no safety backup of the present state.")] = False,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Leave out what is damaged, list it, and restore the rest.")
    ] = False,
) -> None:
    """Make the state what it was in a backup, all of it or nothing; keys that came later go."""
    with nullcontext() if to is not None else opened(call) as runtime:
        backups = unopened(call) if runtime is None else runtime.backups
        times = 1 if skip_verify or salvage else 2
        with progress(call, "restoring", lambda: 0 if scope else backups.content_bytes(backup_id) * times) as tick:
            done = backups.restore(
                backup_id,
                scope=scope,
                to=to,
                dry_run=dry_run,
                verify=not skip_verify,
                backup_first=not no_backup,
                salvage=salvage,
                progress=tick,
            )
    for loss in done.losses:
        older = "; older values may stand in for them" if loss.is_change else ""
        complain(f"lost: {loss}{older}")
    facts = document(shown.describe_restore(done, dry_run=dry_run))
    if done.losses:
        facts["lost"] = [str(loss) for loss in done.losses]
    call.report.result(facts)


def cleanup(
    call: Call,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
) -> None:
    """Remove the backups that the retention policy gives up; with -v, say why each stays or goes."""
    cleaned = unopened(call).cleanup(dry_run=dry_run)
    for warning in cleaned.warnings:
        call.report.note(f"note: {warning}")
    facts = document(shown.describe_cleanup(cleaned, dry_run=dry_run))
    if call.report.output == "text":
        decisions = facts.pop("decisions")
        if call.values["verbose"]:
            call.report.result(decisions)
    call.report.result(facts)


def usage(call: Call) -> None:
    """Show how many backups there are and what they take."""
    backups = unopened(call)
    facts = document(shown.describe_usage(backups.usage()))
    _complain_about_damaged(backups)
    call.report.result(_readable(facts) if call.report.output == "text" else facts)


COMMANDS: dict[str, Callable[..., int | None]] = {
    "create": create,
    "list": list_,
    "info": info,
    "validate": validate,
    "restore": restore,
    "cleanup": cleanup,
    "usage": usage,
}


def document(record: Record) -> dict[str, Any]:
    """A record as the script functions give it."""
    fields: dict[str, Any] = plain(record, Type.of(type(record)))
    return fields


@contextmanager
def progress(call: Call, what: str, total: Callable[[], int] = lambda: 0) -> Iterator[Callable[[int], None]]:
    """A bar with the rate, where standard error is a terminal; `total` gives the bytes, 0 when that is not known.

    Without a total the bar says how much is done and how fast.
    """
    if call.report.quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda _bytes: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total() or None)
        yield lambda bytes_: bar.advance(task, bytes_)


def _expected(runtime: Runtime, incremental: bool) -> int:
    """How much a backup will read, as the last one like it tells: the file of the store says little about it."""
    if incremental:
        return 0
    return next((each.size for each in runtime.backups.list() if each.is_complete and each.scopes is None), 0)


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """With times and sizes as people read them."""
    readable = dict(row)
    for name, value in row.items():
        if name.endswith(("_at", "_backup")) and isinstance(value, float):
            readable[name] = moment.text(round(value * moment.SECOND))
        elif name.endswith(("_bytes", "_size")):
            readable[name] = size_text(value)
    return readable


def _complain_about_damaged(backups: "Backups") -> None:
    for error in backups.damaged():
        complain(f"problem: {error.message}")
