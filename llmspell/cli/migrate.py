"""`llmspell migrate …`: schemas and migrations from the shell."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from llmspell.cli.app import command, group
from llmspell.cli.call import Call
from llmspell.cli.report import complain
from llmspell.errors import BadArgument, LlmspellError, SchemaError, by_code
from llmspell.globals.migration import Migration
from llmspell.migration import version as versions
from llmspell.migration.engine import Migrations
from llmspell.migration.request import Outcome, Request
from llmspell.surface.host import plain

Version = Annotated[str, typer.Argument(metavar="VERSION", help="The version, such as 2.1.0; 2 is 2.0.0.")]
PROGRESS_FROM = 10_000


def add_to(app: typer.Typer) -> None:
    """Add the group `migrate`."""
    migrate = group(app, "migrate", "Take stored documents from one schema version to another, and back.")
    for function in (status, plan, apply, rollback, history, validate):
        command(migrate, function.__name__)(function)


@contextmanager
def migrating(call: Call) -> Iterator[Migrations]:
    """The migrations of the configured store, which is closed at the end."""
    with call.runtime() as runtime:
        migrations = runtime.migrations
        if not migrations.manager.store.info()["persistent"]:
            call.report.note("note: the state is in memory and ends with this command; -c or -p names another")
        yield migrations


def status(call: Call) -> None:
    """Print the current and the latest version, and how many documents wait."""
    with migrating(call) as migrations:
        call.report.result(_ask(migrations, "migration_status"))


def plan(
    call: Call,
    version: Version,
    scope: Annotated[str | None, typer.Option("--scope", metavar="PATTERN", help="Only scopes that fit.")] = None,
) -> None:
    """Print what a migration would do, with three documents before and after, and the hash of the plan."""
    with migrating(call) as migrations:
        _version(version)
        call.report.result(_ask(migrations, "plan_migration", version, scope=scope))


def apply(
    call: Call,
    version: Version,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Migrate and check every document, and keep nothing.")
    ] = False,
    plan_hash: Annotated[
        str, typer.Option("--plan-hash", metavar="HASH", help="Only if nothing has changed since this plan.")
    ] = "",
) -> None:
    """Take every document that the schema covers to its version; what fails is put back, exit status 1."""
    with migrating(call) as migrations:
        request = Request(_version(version), dry_run=dry_run, plan_hash=plan_hash)
        with _progress(call) as advance:
            outcome = migrations.migrate(request, advance)
        _report(call, outcome)


def rollback(
    call: Call,
    id: Annotated[
        str | None, typer.Argument(metavar="ID", help="The migration; without it, the unfinished or the last one.")
    ] = None,
) -> None:
    """Put every document back as it was before a migration, byte for byte."""
    with migrating(call) as migrations:
        _report(call, migrations.rollback(id))


def history(call: Call) -> None:
    """List the migrations that ended, newest first."""
    with migrating(call) as migrations:
        found = _ask(migrations, "migration_history")
        if call.report.output == "text":
            names = ("migration_id", "from_version", "to_version", "status", "items_migrated", "finished_at", "error")
            found = [{name: entry.get(name) for name in names} for entry in found]
        call.report.result(found)


def validate(call: Call) -> None:
    """Check every document against the schema of its version; exit status 1 when one does not fit."""
    with migrating(call) as migrations:
        checked, problems = migrations.validate()
        for problem in problems:
            complain(f"problem: {problem}")
        if problems:
            raise SchemaError(f"{len(problems)} of {checked} documents do not fit their schema")
        call.report.result({"valid": True, "documents": checked})


def _ask(migrations: Migrations, name: str, *arguments: Any, **options: Any) -> Any:
    """The result of a function of scripts, as plain values."""
    function = next(each for each in Migration.functions if each.name == name)
    return plain(getattr(Migration(migrations), function.python)(*arguments, **options), function.result)


def _version(text: str) -> versions.Version:
    try:
        return versions.parse(text)
    except BadArgument as error:
        raise BadArgument(error.message, hint=error.hint, exit_status=2) from None


def _report(call: Call, outcome: Outcome) -> None:
    """Print the outcome; a failure becomes the error of the command, with exit status 1 unless its code has another."""
    for warning in outcome.warnings:
        call.report.note(f"warning: {warning}")
    if outcome.error is not None:
        error: type[LlmspellError] = by_code()[outcome.code or "migration"]
        raise error(outcome.error, hint=outcome.hint)
    facts = {
        "status": outcome.status,
        "from_version": outcome.from_version,
        "to_version": outcome.to_version,
        "items_migrated": outcome.migrated,
        "items_skipped": outcome.skipped,
        "duration_ms": outcome.duration_ms,
        "migration_id": outcome.id or None,
        "backup_id": outcome.backup_id,
    }
    call.report.result({name: fact for name, fact in facts.items() if fact is not None})


@contextmanager
def _progress(call: Call) -> Iterator[Any]:
    """A progress bar on a terminal, for what takes longer."""
    import sys

    if call.report.quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("migrating", total=None, visible=False)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, visible=total >= PROGRESS_FROM)

        yield advance
